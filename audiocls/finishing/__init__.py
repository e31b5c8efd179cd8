"""What is fitted after training, on clips that the model has not learnt: calibration, thresholds, rejection."""
