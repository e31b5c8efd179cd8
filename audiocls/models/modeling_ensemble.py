"""Several audio classifiers as one: waveform in, the logarithm of their mean probabilities out.

Exported with every such model: imports only what a Hub user has, and siblings. Members are audiocls models or any that
transformers' AutoModelForAudioClassification knows. It is made from trained members and is not trained itself.
"""

import itertools
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForAudioClassification, PreTrainedModel

from .configuration_ensemble import AudioClsEnsembleConfig
from .denoising import SpectralGate
from .last_layer import last_input
from .logit_scaling import scaled
from .modeling_audiocls import (
    AudioClsForAudioClassification,
    answer,
    clip_lengths,
    cut_windows,
    mean_by_clip,
    plan_windows,
)
from .rejection import KnownSounds, KnownSoundsOutput, silent

OWN_MODELS = {model.config_class.model_type: model for model in (AudioClsForAudioClassification,)}
# Windows that pass through a member of transformers at a time, so memory does not grow with a clip's length.
WINDOWS_AT_ONCE = 16
# Below this transformers' models have no frame to work on; shorter clips are padded with silence.
SHORTEST_SECONDS = 0.1
SMALLEST_PROBABILITY = 1e-12  # whose logarithm is still a number in every type


class AudioClsEnsembleForAudioClassification(PreTrainedModel):
    """The weighted mean of what its members say; see `AudioClsEnsembleConfig`."""

    config_class = AudioClsEnsembleConfig
    base_model_prefix = "audiocls_ensemble"
    main_input_name = "input_values"

    def __init__(self, config: AudioClsEnsembleConfig) -> None:
        super().__init__(config)
        if not config.members:
            raise ValueError("an ensemble needs at least one member")
        self.members = nn.ModuleList(build_member(member["config"]) for member in config.members)
        self._extractors: dict[int, Any] = {}  # made at first use
        self._denoisers: dict[int, SpectralGate] = {}
        labels = len(config.id2label or {})
        self.known_sounds = KnownSounds(config.rejection, labels) if config.rejection else None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Members initialise themselves; it has no weights of its own."""

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
            `logits` `(batch, num_labels)` float32: softmax (or sigmoid, for several labels a clip) gives the mean of
            the members' probabilities, calibrated as the configuration says. `loss` when labels are given.
            `known_score` and `is_known` as those of `AudioClsForAudioClassification`.
        """
        waveform = input_values.float()
        lengths = clip_lengths(input_values, attention_mask)
        owner, starts, valid = plan_windows(lengths, self.config.window_length)
        # One window of the ensemble at a time where clips are longer than it: that is a minute and rare.
        at_once = len(owner) if len(owner) == len(waveform) else 1
        parts, known = [], []
        for first in range(0, len(owner), at_once):
            some = slice(first, first + at_once)
            windows = cut_windows(waveform, owner[some], starts[some], valid[some])
            logits, embedded = self.window_states(windows, valid[some])
            parts.append(scaled(logits, self.config))
            if self.known_sounds is not None:
                score = self.known_sounds(embedded, logits, self.multi_label)
                known.append(score.masked_fill(silent(windows, valid[some], self.config.sampling_rate), -torch.inf))
        logits = mean_by_clip(torch.cat(parts), owner, len(input_values))
        known_score = is_known = None
        if self.known_sounds is not None:
            rate = self.config.sampling_rate
            known_score, is_known = self.known_sounds.of_clips(known, owner, waveform, lengths, rate)
        return answer(logits, labels, self.config.problem_type, return_dict, known_score, is_known)

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several labels."""
        return self.config.problem_type == "multi_label_classification"

    def window_states(self, windows: torch.Tensor, valid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Of windows `(total, width)` with `valid` samples each the logits `(total, num_labels)`, not calibrated, and
        what the last layers of members of transformers are given `(total, features)`, None without such members."""
        embedded: list[torch.Tensor] = []
        total = sum(member["weight"] for member in self.config.members)
        mean = torch.zeros(len(windows), len(self.config.id2label or {}), device=windows.device)
        for number, member in enumerate(self.config.members):
            model = self.members[number]
            if member["extractor"] is None:
                mask = torch.arange(windows.shape[1], device=windows.device) < valid[:, None]
                scores = self._probabilities(model(windows, mask).logits)
            else:
                scores, features = self._extracted_scores(number, windows, valid)
                embedded += [] if features is None else [features.to(mean.device)]
            mean += member["weight"] / total * scores.to(mean.device)
        if self.multi_label:
            logits = torch.logit(mean.double(), eps=SMALLEST_PROBABILITY).float()
        else:
            logits = mean.clamp(min=SMALLEST_PROBABILITY).log()
        return logits, torch.cat(embedded, 1) if embedded else None

    def _probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.float().sigmoid() if self.multi_label else logits.float().softmax(-1)

    def _extracted_scores(
        self, number: int, windows: torch.Tensor, valid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Probabilities of a member with a feature extractor of its own, and what its last layer is given: the means
        over the windows it is shown.

        Its windows go together where they are of one length, since few such models take a mask.
        """
        model, extractor = self.members[number], self._extractor(number)
        pieces = [
            (length, clip, start)
            for clip, start, length in zip(
                *(each.tolist() for each in plan_windows(valid, self.config.members[number]["window_length"])),
                strict=True,
            )
        ]
        least = int(SHORTEST_SECONDS * self.config.sampling_rate)
        sums = torch.zeros(len(windows), len(self.config.id2label or {}))
        heard: torch.Tensor | None = None
        for length, same in itertools.groupby(sorted(pieces), key=lambda piece: piece[0]):
            alike = list(same)
            for first in range(0, len(alike), WINDOWS_AT_ONCE):
                some = alike[first : first + WINDOWS_AT_ONCE]
                samples = torch.stack([windows[clip, start : start + length] for _, clip, start in some])
                samples = self._denoised(number, samples).cpu()
                samples = F.pad(samples, (0, max(0, least - length)))
                features = extractor(
                    list(samples.numpy()), sampling_rate=self.config.sampling_rate, return_tensors="pt"
                ).to(model.device, dtype=model.dtype)
                with last_input(model) as received:
                    scores = self._probabilities(model(**features).logits).cpu()
                owner = torch.tensor([clip for _, clip, _ in some])
                sums.index_add_(0, owner, scores)
                if received:
                    given = received[0].float().cpu()
                    heard = given.new_zeros(len(windows), given.shape[1]) if heard is None else heard
                    heard.index_add_(0, owner, given)
        counts = torch.bincount(torch.tensor([clip for _, clip, _ in pieces]), minlength=len(windows))
        return sums / counts[:, None], None if heard is None else heard / counts[:, None]

    def _denoised(self, number: int, samples: torch.Tensor) -> torch.Tensor:
        """Windows (batch, time) as a member that is no audiocls model shall hear them."""
        member = self.config.members[number]["config"]
        if not member.get("denoise"):
            return samples
        if number not in self._denoisers:
            self._denoisers[number] = SpectralGate(member["denoise"], self.config.sampling_rate)
        return self._denoisers[number](samples)

    def _extractor(self, number: int) -> Any:
        if number not in self._extractors:
            settings = dict(self.config.members[number]["extractor"])
            name = str(settings.get("feature_extractor_type"))
            kind = getattr(transformers, name, None) if name.endswith("FeatureExtractor") else None
            if kind is None:
                raise ValueError(f"member {number} has feature_extractor_type {name!r}, which transformers has not")
            self._extractors[number] = kind.from_dict(settings)
        return self._extractors[number]


def build_member(config: dict[str, Any]) -> PreTrainedModel:
    """A member without its trained weights, from its configuration.

    Raises:
        ValueError: a type of model that neither audiocls nor transformers has.
    """
    model_type = config.get("model_type", "")
    if model_type in OWN_MODELS:
        own = OWN_MODELS[model_type]
        return own(own.config_class.from_dict(config))
    return AutoModelForAudioClassification.from_config(AutoConfig.for_model(**config))


AudioClsEnsembleForAudioClassification.register_for_auto_class("AutoModelForAudioClassification")
