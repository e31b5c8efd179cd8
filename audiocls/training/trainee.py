"""What the training loop needs to know of a model; whoever says this can be trained by it."""

from typing import Any, Protocol

import torch
from torch import nn

from audiocls.training.augment import Augmentation
from audiocls.training.waveforms import Waveforms

Inputs = dict[str, torch.Tensor]


class Trainee(Protocol):
    """A model and how it is trained.

    model: a transformers model; `extractor` is what `AudioClassifier.of` takes beside it to score clips.
    window_length: the longest part of a clip that a step sees, in samples at `sampling_rate`.
    """

    model: Any
    extractor: Any
    sampling_rate: int
    window_length: int

    def step_module(self, num_processes: int) -> nn.Module:
        """What one step computes, as one module that a distributed wrapper can wrap.

        Its `forward(inputs, draws, partners)` gives logits `(batch, labels)` for what `inputs` made of a batch.
        """

    def inputs(self, waveforms: Waveforms, draws: list[Augmentation], partners: list[int]) -> Inputs:
        """Tensors on the waveforms' device, made of augmented clips; called in a second thread, ahead of the step.

        A clip's own rows may not depend on what else is in the batch, but for the partner it is mixed with.
        """

    def learning_rate_scale(self, name: str) -> float:
        """By what the learning rate is multiplied for a parameter of this name."""
