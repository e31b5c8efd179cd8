"""Whether a sound is one of a model's classes at all: a score from its own features, beside the scores of the classes.

Exported with every model: imports only what a Hub user has. Fitted elsewhere, never trained.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

SILENCE = 1e-3  # half the distance from peak to peak, -60 dBFS, at or below which nothing can be heard
EDGE_SECONDS = 0.02  # where resampling a constant leaves ripples
SHAPES = ("width", "references", "outputs")  # of the tensors, in `config.rejection`


@dataclass
class KnownSoundsOutput(SequenceClassifierOutput):
    """A classifier's output and whether the sound is one of its classes.

    known_score: float32 `(batch,)`, higher for what resembles the classes' own clips; -inf for silence.
    is_known: bool `(batch,)`, whether it reaches the threshold.
    Both are None for a model that was not taught what is unknown.
    """

    known_score: torch.Tensor | None = None
    is_known: torch.Tensor | None = None


class KnownSounds(nn.Module):
    """The mean of up to three views of a window, each in deviations from what it is for clips that were not learnt.

    near: how near the `neighbours` nearest of the references are, clips of the classes, in standardised features (Sun
        et al. 2022, "Out-of-distribution detection with deep nearest neighbors", arXiv:2204.06507).
    head: the largest output of a linear regression of the features on the classes (after Hendrycks et al. 2022,
        "Scaling out-of-distribution detection for real-world settings", arXiv:1911.11132, on the largest logit); where
        there were clips of no class to learn from, less its output for these.
    sure: the logarithm of the largest probability.

    Args:
        settings: `config.rejection`: `views` (name to [centre, spread]), `width` of the features, number of
            `references`, `outputs` of the regression (one more than there are labels if the last is for clips of no
            class), `neighbours`, `threshold` of the score; other entries are for people.

    Tensors keep the bits of float32 and float16 numbers as integers, since in bfloat16 they would be others.

    Raises:
        ValueError: settings that describe no such module.
    """

    centre: torch.Tensor
    spread: torch.Tensor
    references: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, settings: dict[str, Any], num_labels: int) -> None:
        super().__init__()
        try:
            width, references, outputs = (int(settings[name]) for name in SHAPES)
            self.neighbours = int(settings["neighbours"])
            self.views = {str(name): (float(at), float(by)) for name, (at, by) in settings["views"].items()}
            self.threshold = float(settings["threshold"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"config.rejection is damaged: {error}") from None
        if (
            not self.views
            or set(self.views) - {"near", "head", "sure"}
            or min(by for _, by in self.views.values()) <= 0
        ):
            raise ValueError("config.rejection is damaged: views must be some of near, head and sure")
        self.num_labels = num_labels
        self.register_buffer("centre", torch.zeros(width, dtype=torch.int32))
        self.register_buffer("spread", torch.zeros(width, dtype=torch.int32))
        self.register_buffer("references", torch.zeros(references, width, dtype=torch.int16))
        self.register_buffer("weight", torch.zeros(outputs, width, dtype=torch.int32))
        self.register_buffer("bias", torch.zeros(outputs, dtype=torch.int32))

    @property
    def needs_features(self) -> bool:
        """Whether any view looks at features."""
        return bool({"near", "head"} & set(self.views))

    def forward(self, features: torch.Tensor | None, logits: torch.Tensor, multi_label: bool) -> torch.Tensor:
        """Score float32 `(windows,)` of features `(windows, width)` and logits `(windows, labels)`, not calibrated."""
        found = self.view_values(features, logits, multi_label)
        total = sum((found[name] - at) / by for name, (at, by) in self.views.items())
        return torch.as_tensor(total / len(self.views)).float()

    def of_clips(
        self, scores: list[torch.Tensor], owner: torch.Tensor, waveform: torch.Tensor, lengths: torch.Tensor, rate: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Score float32 and verdict bool `(batch,)` of clips `(batch, time)`, from the scores of their windows.

        Args:
            scores: of some windows each, `(windows,)`, -inf for silent ones.
            owner: the clip of each window.
            lengths: valid samples of each clip, at `rate` Hz.
        """
        score = combined(torch.cat(scores), owner, len(waveform))
        score = score.masked_fill(silent(waveform, lengths, rate), -torch.inf)
        return score, score >= self.threshold

    def view_values(
        self, features: torch.Tensor | None, logits: torch.Tensor, multi_label: bool
    ) -> dict[str, torch.Tensor]:
        """The views themselves, float `(windows,)` each, before their centre and spread; see `forward`."""
        found = {}
        if self.needs_features:
            if features is None:
                raise ValueError("features are needed to tell what is unknown")
            precise = torch.float32 if logits.device.type == "mps" else torch.float64
            spread = self.spread.view(torch.float32).to(precise)
            standard = (features.to(precise) - self.centre.view(torch.float32).to(precise)) / spread
            if "near" in self.views:
                found["near"] = -nearest(standard, self.references.view(torch.float16).to(precise), self.neighbours)
            if "head" in self.views:
                weight, bias = self.weight.view(torch.float32).to(precise), self.bias.view(torch.float32).to(precise)
                found["head"] = best_output(standard @ weight.T + bias, self.num_labels)
        if "sure" in self.views:
            found["sure"] = surest(logits, multi_label)
        return found


def nearest(features: torch.Tensor, references: torch.Tensor, neighbours: int) -> torch.Tensor:
    """Mean distance `(windows,)` to the nearest references `(references, width)` of features `(windows, width)`."""
    squares = (features**2).sum(1)[:, None] + (references**2).sum(1) - 2 * features @ references.T
    distances = squares.clamp(min=0).sqrt()
    return distances.topk(min(neighbours, len(references)), largest=False).values.mean(1)


def best_output(outputs: torch.Tensor, num_labels: int) -> torch.Tensor:
    """The largest output `(windows,)` for a label, less that for clips of no class where there is one."""
    best = outputs[:, :num_labels].amax(1)
    return best - outputs[:, num_labels] if outputs.shape[1] > num_labels else best


def surest(logits: torch.Tensor, multi_label: bool) -> torch.Tensor:
    """The logarithm `(windows,)` of the largest probability."""
    values = logits.float()
    return (nn.functional.logsigmoid(values) if multi_label else values.log_softmax(-1)).amax(1)


def combined(scores: torch.Tensor, owner: torch.Tensor, num_clips: int) -> torch.Tensor:
    """Scores of clips `(num_clips,)`: the mean over the windows that are not silent (-inf), -inf without any."""
    heard = scores > -torch.inf
    sums = scores.new_zeros(num_clips).index_add(0, owner[heard], scores[heard])
    counts = torch.bincount(owner[heard], minlength=num_clips)
    return torch.where(counts > 0, sums / counts.clamp(min=1).to(sums.dtype), -torch.inf)


def silent(waveform: torch.Tensor, lengths: torch.Tensor, sampling_rate: int) -> torch.Tensor:
    """Whether nothing can be heard: nothing above -60 dBFS but a constant. `(batch, time)` to bool `(batch,)`.

    Args:
        lengths: valid samples of each, int64 `(batch,)`.
    """
    quiet = swing(waveform, torch.zeros_like(lengths), lengths) <= SILENCE
    edge = int(EDGE_SECONDS * sampling_rate)
    inner = lengths > 4 * edge
    if not (inner & ~quiet).any():
        return quiet
    # A constant that was resampled begins and ends in ripples; a click in digital silence is no such thing.
    still = swing(waveform, torch.full_like(lengths, edge), lengths - edge) <= SILENCE
    offset = waveform.gather(1, (lengths // 2).clamp(max=waveform.shape[1] - 1)[:, None])[:, 0].abs() > SILENCE
    return quiet | (inner & still & offset)


def swing(waveform: torch.Tensor, starts: torch.Tensor, stops: torch.Tensor) -> torch.Tensor:
    """Half the distance from the lowest to the highest sample between `starts` and `stops`, `(batch,)`; 0 for none."""
    if waveform.shape[1] == 0:
        return waveform.new_zeros(len(waveform))
    at = torch.arange(waveform.shape[1], device=waveform.device)
    inside = (at >= starts[:, None]) & (at < stops[:, None])
    highest = waveform.masked_fill(~inside, -torch.inf).amax(1)
    lowest = waveform.masked_fill(~inside, torch.inf).amin(1)
    return torch.where(stops > starts, (highest - lowest) / 2, 0.0)
