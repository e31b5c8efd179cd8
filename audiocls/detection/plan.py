"""What a detector does in detail: the options of a person, filled in with what the model says and with defaults."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiocls.detection.options import DetectOptions
from audiocls.detection.scan import fitting_hop
from audiocls.detection.thresholds import resolve_thresholds
from audiocls.errors import UsageError

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

# Events are mostly shorter than this; longer windows hear too much besides them.
DEFAULT_WINDOW_SECONDS = 2.0
# Of the window. Sounds are heard from edge to edge besides; half a window finds the same events at a higher price.
DEFAULT_HOP_SHARE = 0.75
DEFAULT_MIN_DURATION_SECONDS = 0.03
DEFAULT_MERGE_GAP_SECONDS = 0.5


@dataclass(frozen=True)
class Plan:
    """Resolved options.

    window_length, hop_length: in samples at the model's rate.
    thresholds: float32 (labels,), the score from which a label is heard.
    reported: bool (labels,), the labels that are events.
    denoise: as of `DetectOptions`.
    """

    window_length: int
    hop_length: int
    sampling_rate: int
    labels: tuple[str, ...]
    thresholds: np.ndarray
    reported: np.ndarray
    min_duration_seconds: float
    merge_gap_seconds: float
    denoise: str = "model"

    @property
    def window_seconds(self) -> float:
        """Length of a window."""
        return self.window_length / self.sampling_rate

    @property
    def hop_seconds(self) -> float:
        """From the start of one window to that of the next."""
        return self.hop_length / self.sampling_rate


def plan_detection(classifier: "AudioClassifier", options: DetectOptions) -> Plan:
    """Fill in what the options leave open.

    Raises:
        UsageError: an unknown class, a window longer than the model's, a hop longer than the window, thresholds that
            cannot be used.
    """
    rate = classifier.sampling_rate
    fitted = getattr(classifier.model.config, "detection", None) or {}
    longest = classifier.window_length / rate
    window = options.window_seconds or fitted.get("window_seconds") or min(DEFAULT_WINDOW_SECONDS, longest)
    if window > longest + 1e-9:
        raise UsageError(
            f"window_seconds is {window:g}, but the model hears at most {longest:g} s at once; choose a shorter window"
        )
    window_length = max(1, round(window * rate))
    hop = options.hop_seconds
    if hop is None and not options.window_seconds:
        hop = fitted.get("hop_seconds")
    if hop is None:
        share = DEFAULT_HOP_SHARE * window_length
        fitting = fitting_hop(classifier, round(share))
        hop = (fitting if fitting <= window_length else max(1, round(share))) / rate
    if hop > window:
        raise UsageError(
            f"hop_seconds is {hop:g}, longer than the window of {window:g} s, so what lies between windows would not "
            "be heard; choose a shorter hop"
        )
    labels = tuple(classifier.labels)
    minimum, gap = options.min_duration_seconds, options.merge_gap_seconds
    return Plan(
        window_length=window_length,
        hop_length=max(1, round(hop * rate)),
        sampling_rate=rate,
        labels=labels,
        thresholds=resolve_thresholds(classifier, options.threshold),
        reported=_reported(labels, options),
        min_duration_seconds=DEFAULT_MIN_DURATION_SECONDS if minimum is None else minimum,
        merge_gap_seconds=DEFAULT_MERGE_GAP_SECONDS if gap is None else gap,
        denoise=options.denoise,
    )


def _reported(labels: tuple[str, ...], options: DetectOptions) -> np.ndarray:
    """Which labels are events, bool (labels,)."""
    chosen = np.ones(len(labels), bool)
    if options.classes is not None:
        names = [name.strip() for name in options.classes.split(",") if name.strip()]
        if not names:
            raise UsageError(f"classes is {options.classes!r}; name at least one of {', '.join(labels)}")
        for name in names:
            _check_label("classes", name, labels)
        chosen = np.array([label in names for label in labels])
    if options.background is not None:
        _check_label("background", options.background, labels)
        chosen &= np.array([label != options.background for label in labels])
    if not chosen.any():
        raise UsageError("no class is left to report: the only one in classes is the background")
    return chosen


def _check_label(field: str, name: str, labels: tuple[str, ...]) -> None:
    if name not in labels:
        raise UsageError(f"{field}: the model has no class {name!r}; it has {', '.join(labels)}")
