"""Training one of our own networks from scratch."""

from typing import Any

import torch
from torch import nn

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.training.augment import Augmentation, mask_features, mix_pairs
from audiocls.training.epochs import fit_epochs
from audiocls.training.factory import build_model, feature_extractor
from audiocls.training.layers import prepare_layers
from audiocls.training.run import Fitted, Run
from audiocls.training.trainee import Inputs
from audiocls.training.waveforms import Waveforms


class NetworkTrainee:
    """One of our networks: features in the model, SpecAugment and mixup on the feature maps, one learning rate."""

    def __init__(self, model: AudioClsForAudioClassification) -> None:
        self.model = model
        self.extractor: Any = feature_extractor(model.config.sampling_rate)
        self.sampling_rate = model.config.sampling_rate
        self.window_length = model.config.window_length

    def step_module(self, num_processes: int) -> nn.Module:
        return NetworkStep(self.model, num_processes)

    def inputs(self, waveforms: Waveforms, draws: list[Augmentation], partners: list[int]) -> Inputs:
        return {"samples": waveforms.samples, "lengths": waveforms.lengths}

    def learning_rate_scale(self, name: str) -> float:
        return 1.0


class NetworkStep(nn.Module):
    """The features of a batch, augmented, through the network."""

    def __init__(self, model: AudioClsForAudioClassification, num_processes: int) -> None:
        super().__init__()
        self.model = model
        self.dropouts = prepare_layers(model, num_processes)

    def forward(self, inputs: Inputs, draws: list[Augmentation], partners: list[int]) -> torch.Tensor:
        for dropout in self.dropouts:
            dropout.seeds = [drawn.seed for drawn in draws]
        features, mask = self.model.window_features(inputs["samples"], inputs["lengths"])
        features = mix_pairs(mask_features(features, mask, draws), draws, partners)
        mixed = torch.tensor([drawn.mix_share < 1 for drawn in draws], device=mask.device)
        mask = mask | (mask[partners] & mixed[:, None])
        return self.model.network(features, mask)


def fit_network(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Train a network on `audio.train`, watched on `audio.validation`.

    Raises:
        UsageError: settings contradict the data or the run to resume.
        OutputError: the checkpoint cannot be written or read.
    """
    return fit_epochs(NetworkTrainee(build_model(config, audio)), config, audio, run)
