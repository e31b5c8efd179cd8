"""The audiocls model as transformers sees it: waveform in, logits out.

Exported with every model: imports only what a Hub user has, and siblings. The features are its first layer, so
training, `pipeline`, the app and the command line cannot disagree about them. It does not decode or resample.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from .acoustic_features import AcousticFeatures
from .configuration_audiocls import AudioClsConfig
from .denoising import SpectralGate
from .logit_scaling import scaled
from .networks import NETWORKS
from .rejection import KnownSounds, KnownSoundsOutput, silent
from .trees import log_scores

# Long clips pass through the network this many windows at a time, so memory does not grow with their length.
WINDOWS_AT_ONCE = 32


def plan_windows(lengths: torch.Tensor, window_length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Where the windows lie that the network sees: the one rule for clips of any length.

    A clip up to one window long is one window of its own length. A longer clip becomes `ceil(length / window)` full
    windows, evenly spaced, the first at its start and the last at its end.

    Args:
        lengths: int64 `(batch,)`, valid samples of each clip.
        window_length: samples.

    Returns:
        For each window, int64 `(total,)`: the clip it belongs to, its first sample, and its number of valid samples.
    """
    counts = torch.div(lengths + window_length - 1, window_length, rounding_mode="floor").clamp(min=1)
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), counts)
    nth = torch.arange(len(owner), device=lengths.device) - (counts.cumsum(0) - counts)[owner]
    span = (lengths - window_length).clamp(min=0)[owner]
    starts = torch.div(nth * span, (counts[owner] - 1).clamp(min=1), rounding_mode="floor")
    return owner, starts, lengths[owner].clamp(max=window_length)


def cut_windows(waveform: torch.Tensor, owner: torch.Tensor, starts: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Cut planned windows out of `waveform` `(batch, time)`: `(total, width)`, zero behind their valid samples."""
    width = max(int(valid.max()), 1)
    if waveform.shape[1] == 0:
        return waveform.new_zeros(len(owner), width)
    offsets = torch.arange(width, device=waveform.device)
    if len(owner) == len(waveform) and width <= waveform.shape[1] and not starts.any():  # whole clips, in their order
        windows = waveform[:, :width]
    else:
        windows = waveform[owner[:, None], (starts[:, None] + offsets).clamp(max=waveform.shape[1] - 1)]
    return windows * (offsets < valid[:, None])


def level_windows(windows: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Bring windows `(total, width)` to one loudness (root mean square 0.1 over valid samples), so that gain is no cue.

    Silence stays silence: amplification ends at 80 dB.
    """
    precision = torch.float32 if windows.device.type == "mps" else torch.float64  # no digit then depends on threads
    power = (windows * windows).sum(1, keepdim=True, dtype=precision) / valid.clamp(min=1)[:, None]
    return windows * (0.1 / power.clamp(min=1e-10).sqrt()).to(windows.dtype)


def clip_lengths(input_values: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
    """Valid samples of each clip, int64 `(batch,)`; without a mask all of them."""
    if attention_mask is None:
        return torch.full((len(input_values),), input_values.shape[1], device=input_values.device)
    return attention_mask.sum(-1).long().clamp(max=input_values.shape[1])


def mean_by_clip(values: torch.Tensor, owner: torch.Tensor, num_clips: int) -> torch.Tensor:
    """Mean over each clip's windows: `(total, labels)` to `(num_clips, labels)`."""
    sums = values.new_zeros(num_clips, values.shape[1]).index_add(0, owner, values)
    return sums / torch.bincount(owner, minlength=num_clips)[:, None].to(sums.dtype)


def answer(
    logits: torch.Tensor,
    labels: torch.Tensor | None,
    problem_type: str | None,
    return_dict: bool | None,
    known_score: torch.Tensor | None = None,
    is_known: torch.Tensor | None = None,
) -> KnownSoundsOutput | tuple[torch.Tensor, ...]:
    """What transformers expects of a classifier's `forward`: the logits, and the loss when labels are given.

    As a tuple it is these alone.
    """
    loss = None
    if labels is not None:
        if problem_type == "multi_label_classification":
            loss = F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        else:
            loss = F.cross_entropy(logits, labels)
    if return_dict is False:
        return (logits,) if loss is None else (loss, logits)
    return KnownSoundsOutput(loss=loss, logits=logits, known_score=known_score, is_known=is_known)


class AudioClsForAudioClassification(PreTrainedModel):
    """Classifier over the audiocls networks; see `AudioClsConfig` for what can be chosen."""

    config_class = AudioClsConfig
    base_model_prefix = "audiocls"
    main_input_name = "input_values"

    def __init__(self, config: AudioClsConfig) -> None:
        super().__init__(config)
        self.denoiser = SpectralGate(config.denoise, config.sampling_rate) if config.denoise else None
        self.features = AcousticFeatures(config)
        self.network = NETWORKS[config.architecture](config, self.features.num_bands)
        labels = len(config.id2label or {})
        self.known_sounds = KnownSounds(config.rejection, labels) if config.rejection else None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Networks initialise themselves as torch does; transformers' normal(0, 0.02) would be too small for them."""

    @property
    def averages_scores(self) -> bool:
        """Whether a long clip's score is the mean over its windows' scores (trees) instead of over their logits."""
        return getattr(self.network, "averages_scores", False)

    @property
    def one_by_one(self) -> bool:
        """Whether windows are worked on alone (trees): what a batch does to the last digit would change the answer."""
        return getattr(self.network, "one_by_one", False)

    def forward(
        self,
        input_values: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        return_dict: bool | None = None,
    ) -> KnownSoundsOutput | tuple[torch.Tensor, ...]:
        """Score clips of any length.

        Args:
            input_values: float `(batch, time)`, mono, at `config.sampling_rate`, padded on the right.
            attention_mask: `(batch, time)`, 1 for samples and 0 for padding; None when nothing is padded.
            labels: int64 `(batch,)`, or float `(batch, num_labels)` for several labels a clip.

        Returns:
            `logits` `(batch, num_labels)`, the mean over a clip's windows (see `averages_scores`), and `loss` when
            labels are given. `known_score` and `is_known` `(batch,)` where it has been taught what is unknown; the
            score is the mean over a clip's windows that are not silent.
        """
        waveform = input_values.float()
        lengths = clip_lengths(input_values, attention_mask)
        owner, starts, valid = plan_windows(lengths, self.config.window_length)
        parts, known = [], []
        multi_label = self.config.problem_type == "multi_label_classification"
        at_once = 1 if self.one_by_one else WINDOWS_AT_ONCE
        for first in range(0, len(owner), at_once):
            some = slice(first, first + at_once)
            windows = cut_windows(waveform, owner[some], starts[some], valid[some])
            logits, embedded = self.window_states(windows, valid[some])
            parts.append(scaled(logits, self.config))
            if self.known_sounds is not None:
                score = self.known_sounds(embedded, logits, multi_label)
                known.append(score.masked_fill(silent(windows, valid[some], self.config.sampling_rate), -torch.inf))
        values = torch.cat(parts)
        if self.averages_scores:
            values = values.sigmoid() if multi_label else values.softmax(-1)
        logits = mean_by_clip(values, owner, len(input_values))
        if self.averages_scores:
            logits = log_scores(logits, multi_label)

        known_score = is_known = None
        if self.known_sounds is not None:
            rate = self.config.sampling_rate
            known_score, is_known = self.known_sounds.of_clips(known, owner, waveform, lengths, rate)
        return answer(logits, labels, self.config.problem_type, return_dict, known_score, is_known)

    def window_states(self, windows: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of windows `(total, width)` with `valid` samples each the logits `(total, num_labels)`, not calibrated, and
        the features `(total, features)` that the last layer or the trees go by."""
        features, mask = self.window_features(windows, valid)
        network: Any = self.network
        embedded = network.embed(features if self.one_by_one else features.to(self.dtype), mask)
        return network.classify(embedded), embedded

    def window_features(self, windows: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised features `(total, 1, bands, frames)` of windows at one level, and their mask `(total, frames)`.

        Noise is reduced first, if the configuration says so."""
        if self.denoiser is not None:
            windows = self.denoiser(windows, valid)
        return self.features(level_windows(windows, valid), valid)


AudioClsForAudioClassification.register_for_auto_class("AutoModelForAudioClassification")
