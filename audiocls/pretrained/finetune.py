"""Fine-tuning a pretrained transformer: it starts at the linear probe and goes on gently, from the head downwards."""

import time
from typing import Any

import numpy as np
import torch
from torch import nn

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.field import in_the_field
from audiocls.errors import UsageError
from audiocls.inference.windows import SHORTEST_SECONDS, denoised, denoiser_of, window_samples
from audiocls.pretrained.encoder import encoder_layers, heights, recomputed_layers
from audiocls.pretrained.features import final_linear, model_inputs
from audiocls.pretrained.probe import fit_probe
from audiocls.pretrained.windows import fixed_window
from audiocls.training.augment import Augmentation, mix_pairs
from audiocls.training.epochs import fit_epochs
from audiocls.training.run import Fitted, Run
from audiocls.training.trainee import Inputs
from audiocls.training.waveforms import Waveforms

SMALLEST_WEIGHT = 1e-6  # in a weighted sum of layers; with less a layer is not heard


class PretrainedTrainee:
    """A transformers model with its feature extractor.

    Waveforms are augmented and mixed before the extractor. The model itself stays as it is used, without dropout,
    dropped layers or changing batch norms: a step depends on its clips alone, in any number of processes and after a
    resume, and the augmentation does the regularising.

    The front end and the lowest `config.freeze_layers` layers are frozen. Above them the learning rate falls by
    `config.layer_decay` from one layer to the next lower one; the last linear layer learns `config.head_scale` times
    as fast as the highest.

    Raises:
        UsageError: more layers to freeze than there are.
    """

    def __init__(self, model: Any, extractor: Any, config: TrainConfig) -> None:
        self.model, self.extractor = model, extractor
        self.sampling_rate = int(extractor.sampling_rate)
        self.window_length = window_samples(model.config, extractor)
        self.denoiser = denoiser_of(model.config, self.sampling_rate)
        highest = heard_layers(model)
        if config.freeze_layers > highest:
            raise UsageError(
                f"freeze_layers is {config.freeze_layers}; the classifier listens to {highest} layers of "
                f"{config.backbone} only"
            )
        head = {id(parameter) for parameter in final_linear(model).parameters()}
        self._scales: dict[str, float] = {}
        above = len(encoder_layers(model)) + 1
        for name, height in heights(model).items():
            parameter = model.get_parameter(name)
            in_head = id(parameter) in head
            self._scales[name] = config.head_scale if in_head else config.layer_decay ** max(0, highest - height)
            unheard = highest < height < above
            if height <= config.freeze_layers or unheard or self._scales[name] == 0:
                parameter.requires_grad_(False)

    def step_module(self, num_processes: int) -> nn.Module:
        return PretrainedStep(self.model)

    def inputs(self, waveforms: Waveforms, draws: list[Augmentation], partners: list[int]) -> Inputs:
        samples = mix_pairs(waveforms.samples, draws, partners).cpu().numpy()
        own = waveforms.lengths.tolist()
        lengths = [
            max(own[row], own[partner]) if drawn.mix_share < 1 else own[row]
            for row, (partner, drawn) in enumerate(zip(partners, draws, strict=True))
        ]
        pieces = denoised(self.denoiser, [row[:length] for row, length in zip(samples, lengths, strict=True)])
        device = waveforms.samples.device
        if self.model.main_input_name != "input_values" or fixed_window(self.model.config.model_type):
            return dict(model_inputs(self.extractor, pieces, device))
        return self._repeated(pieces, samples.shape[1], device)

    def _repeated(self, pieces: list[np.ndarray], width: int, device: torch.device) -> Inputs:
        """Inputs of models that take the waveform: clips of different lengths in one batch.

        Such a model is used on a clip alone, without padding, and many normalise over all of its time, so that zeros
        behind a short clip would change what they hear. It is filled up with its own repetition instead, and attention
        and pooling are kept to the first time.
        """
        width = max(width, round(SHORTEST_SECONDS * self.sampling_rate))
        inputs = dict(model_inputs(self.extractor, [np.resize(piece, width) for piece in pieces], device))
        lengths = torch.tensor([max(len(piece), round(SHORTEST_SECONDS * self.sampling_rate)) for piece in pieces])
        inputs["attention_mask"] = (torch.arange(width) < lengths[:, None]).long().to(device)
        return inputs

    def learning_rate_scale(self, name: str) -> float:
        return self._scales[name]


class PretrainedStep(nn.Module):
    """The model on prepared inputs, always as it is when in use."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def train(self, mode: bool = True) -> "PretrainedStep":
        return super().train(False)

    def forward(self, inputs: Inputs, draws: list[Augmentation], partners: list[int]) -> torch.Tensor:
        return self.model(**inputs).logits


def heard_layers(model: Any) -> int:
    """How many of the encoder's layers lie below the classifier, which may listen to inner ones."""
    if not getattr(model.config, "use_weighted_layer_sum", False):
        return len(encoder_layers(model))
    return int((model.layer_weights.softmax(0) > SMALLEST_WEIGHT).nonzero().max())


def fit_finetune(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Train body and head of `config.backbone` on `audio.train`, from where `fit_probe` ends.

    The result lies between the probe's weights and the trained ones (`config.probe_share`), where it mostly keeps what
    either knows; the history is that of the trained ones.

    Source: Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", for
    starting at the probe; Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", for the mean of weights.

    Raises:
        ModelError: the pretrained model is missing or cannot be used.
        UsageError: settings contradict the model, the data or the run to resume.
        OutputError: the checkpoint cannot be written or read.
    """
    started = time.perf_counter()
    probe = fit_probe(config, in_the_field(config, audio), run)
    probe_seconds = time.perf_counter() - started
    model = probe.model
    start = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trainee = PretrainedTrainee(model, probe.extractor, config)
    with recomputed_layers(model, config.gradient_checkpointing):
        fitted = fit_epochs(trainee, config, audio, run)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.lerp_(start[name], config.probe_share)
    fitted.seconds += probe_seconds
    fitted.base_model = probe.base_model
    fitted.details |= {"probe": probe.details}
    return fitted
