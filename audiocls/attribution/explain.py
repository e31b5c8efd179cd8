"""Which parts of a sound decided: each is taken out in turn, and what the model then says is its weight.

It asks nothing of a model but its scores, so it serves every kind. The same sound gives the same explanation.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from audiocls.attribution.cells import change_edges
from audiocls.attribution.explanation import Explanation, Part
from audiocls.attribution.occlusion import Occluder
from audiocls.audio.windows import window_starts
from audiocls.errors import UsageError
from audiocls.inference.windows import is_silent

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

LARGE_MODEL = 5_000_000  # parameters; it takes its time over each question, so it is asked fewer
EXPLAINED_SECONDS = (10.0, 5.0)  # the longest stretch looked at, with a small and with a large model
MOST_STRETCHES = (24, 8)  # of a longer sound, among which the most decisive is looked for; the loudest
TIME_CELLS = (8, 8)  # more would cut one sound into many, none of which is missed alone
CELL_SECONDS = 20.0  # of sound that a large model is asked about in all, to find the cells that matter
FEWEST_CELLS = 4
BANDS = (6, 3)  # in each part; a large model is asked about those of short sounds only
REFINED_SECONDS = 3.0
REFINED = (2, 1)  # parts of which frequencies are looked at
MOST_PARTS = 4
SHORTEST_SECONDS = 0.06  # of a cell
LEAST_WEIGHT = 0.1  # log-odds: what changes less does not matter
LEAST_STRENGTH = 0.2  # beside the strongest part
ALIKE = 0.5  # neighbours whose weights differ less are one part
LEAST_BAND = 0.3  # weight of a band beside the strongest of its part
STEADY = 0.25  # share of the log-odds' surplus over even chances that the background alone may not carry
SMALLEST = 1e-6  # probabilities are told from 0 and 1 by this much


def explain(classifier: "AudioClassifier", waveform: np.ndarray, label: str | None = None) -> Explanation:
    """Find the parts of a sound that decided for a label.

    The sound is cut into cells where it changes. Each is brought down to the background of the rest of the clip, and
    the fall of the label's log-odds is its weight; where the background alone gives the same answer (a steady sound),
    it is silence instead. Of the strongest cells the frequencies are found in the same way.

    Args:
        classifier: any.
        waveform: float32 (time,), mono, at `classifier.sampling_rate`. Of a long one the stretch with the highest score
            is explained.
        label: what to explain; the model's best unless given.

    Raises:
        UsageError: the model does not know the label.
    """
    if label is not None and label not in classifier.labels:
        raise UsageError(f"label is {label!r}; the model knows {', '.join(classifier.labels[:20])}")
    asked = _Asked(classifier, label)
    start, stretch = _decisive(asked, np.asarray(waveform, np.float32))
    rate = classifier.sampling_rate
    begin, end = start / rate, (start + len(stretch)) / rate
    whole = len(stretch) == len(waveform)
    if is_silent(stretch, rate):
        score = float(asked.ask([stretch])[0][0]) if len(stretch) else 0.0
        return Explanation(asked.label, (), begin, end, whole, score=score, kept_score=score, removed_score=score)
    occluder = Occluder(stretch, rate)
    cells, score, odds = _weighed(asked, occluder)
    parts = _with_bands(asked, occluder, _strongest(cells), odds)
    covered = np.zeros(occluder.shape, np.float32)
    for part in parts:
        covered = np.maximum(covered, occluder.mask(part.first, part.last, part.low_hz, part.high_hz))
    kept = removed = score
    if parts:
        kept, removed = asked.ask([occluder.without(1 - covered), occluder.without(covered)])[0].tolist()
    return Explanation(
        asked.label,
        tuple(_told(part, occluder, begin, end, parts[0].weight) for part in parts),
        begin,
        end,
        whole,
        score=score,
        kept_score=kept,
        removed_score=removed,
        replaced_by="silence" if occluder.silence else "background",
        evaluations=asked.evaluations,
    )


def _told(cell: "_Cell", occluder: Occluder, begin: float, end: float, most: float) -> Part:
    first, last = ((frame - 0.5) * occluder.hop_seconds for frame in (cell.first, cell.last))
    return Part(
        max(begin, begin + first), min(end, begin + last), cell.low_hz, cell.high_hz, cell.weight, cell.weight / most
    )


class _Asked:
    """The score of one label of a model."""

    def __init__(self, classifier: "AudioClassifier", label: str | None) -> None:
        self.classifier, self.evaluations = classifier, 0
        self._label = label
        self.large = int(classifier.model.num_parameters() >= LARGE_MODEL)

    def time_cells(self, seconds: float) -> int:
        """Into how many cells a sound is cut."""
        most = TIME_CELLS[self.large]
        return max(FEWEST_CELLS, min(most, round(CELL_SECONDS / seconds))) if self.large else most

    @property
    def label(self) -> str:
        return self._label or self.classifier.labels[0]

    def ask(self, waveforms: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The label's score of each sound and the log-odds of it, float64 (sounds,)."""
        scores = self.classifier.predict_known(waveforms)[0].astype(np.float64)
        self.evaluations += len(waveforms)
        if self._label is None:  # of a long sound the best of all its stretches
            self._label = self.classifier.labels[int(scores.mean(axis=0).argmax())]
        column = self.classifier.labels.index(self._label)
        own = scores[:, column]
        others = 1 - own if self.classifier.multi_label else np.delete(scores, column, axis=1).sum(axis=1)
        return own, np.log(np.maximum(own, SMALLEST)) - np.log(np.maximum(others, SMALLEST))


def _decisive(asked: _Asked, waveform: np.ndarray) -> tuple[int, np.ndarray]:
    """The stretch to explain and the sample it begins with: all of the sound, or where the label's score is highest."""
    length = round(EXPLAINED_SECONDS[asked.large] * asked.classifier.sampling_rate)
    if len(waveform) <= length:
        return 0, waveform
    starts = np.array(window_starts(len(waveform), length))
    stretches = [waveform[start : start + length] for start in starts]
    loudness = np.array([float(np.square(stretch, dtype=np.float64).sum()) for stretch in stretches])
    loudest = np.sort(np.argsort(-loudness, kind="stable")[: MOST_STRETCHES[asked.large]])
    _, odds = asked.ask([stretches[number] for number in loudest])
    best = int(loudest[odds.argmax()])
    return int(starts[best]), stretches[best]


@dataclass(frozen=True)
class _Cell:
    """Frames `first` to `last` of a sound within frequencies, and how far the log-odds fall without them."""

    first: int
    last: int
    weight: float
    low_hz: float | None = None
    high_hz: float | None = None


def _weighed(asked: _Asked, occluder: Occluder) -> tuple[list[_Cell], float, float]:
    """All cells in time with their weights, and the score and log-odds of the sound as it is."""
    least = max(1, round(SHORTEST_SECONDS / occluder.hop_seconds))
    loud = occluder.bands_db()[:, occluder.first : occluder.last]
    edges = [occluder.first + edge for edge in change_edges(loud, asked.time_cells(occluder.seconds), least)]
    spans = list(pairwise(edges))
    everything = occluder.without(occluder.mask(occluder.first, occluder.last))
    scores, (whole, background) = asked.ask([occluder.waveform, everything])
    occluder.silence = bool(background > whole - max(LEAST_WEIGHT, STEADY * abs(whole)))
    _, odds = asked.ask([occluder.without(occluder.mask(first, last)) for first, last in spans])
    cells = [_Cell(first, last, float(whole - each)) for (first, last), each in zip(spans, odds, strict=True)]
    return cells, float(scores[0]), float(whole)


def _strongest(cells: list[_Cell]) -> list[_Cell]:
    """The cells that matter, neighbours of like weight made one, the strongest first."""
    least = max(LEAST_WEIGHT, LEAST_STRENGTH * max(cell.weight for cell in cells))
    joined: list[_Cell] = []
    last_weight = 0.0
    for cell in cells:
        if cell.weight < least:
            continue
        lower, higher = sorted((last_weight, cell.weight))
        if joined and joined[-1].last == cell.first and lower > ALIKE * higher:
            joined[-1] = replace(joined[-1], last=cell.last, weight=joined[-1].weight + cell.weight)
        else:
            joined.append(cell)
        last_weight = cell.weight
    return sorted(joined, key=lambda cell: -cell.weight)[:MOST_PARTS]


def _with_bands(asked: _Asked, occluder: Occluder, parts: list[_Cell], whole: float) -> list[_Cell]:
    """The strongest parts narrowed to the frequencies that matter in them."""
    loud = occluder.bands_db()
    refined = parts[: REFINED[asked.large]] if not asked.large or occluder.seconds <= REFINED_SECONDS else []
    bands: list[list[_Cell]] = []
    for part in refined:
        edges = change_edges(loud[:, part.first : part.last].T, BANDS[asked.large])
        spans = pairwise(occluder.band_hz[edges].tolist())
        bands.append([replace(part, low_hz=low, high_hz=high) for low, high in spans])
    if not bands:
        return parts
    sounds = [
        occluder.without(occluder.mask(cell.first, cell.last, cell.low_hz, cell.high_hz))
        for cells in bands
        for cell in cells
    ]
    odds = iter(asked.ask(sounds)[1])
    found = []
    for part, cells in zip(refined, bands, strict=True):
        weights = np.array([whole - next(odds) for _ in cells])
        matter = np.flatnonzero(weights >= max(LEAST_WEIGHT, LEAST_BAND * weights.max()))
        if len(matter) and (len(cells) > matter[-1] - matter[0] + 1):
            part = replace(part, low_hz=cells[matter[0]].low_hz, high_hz=cells[matter[-1]].high_hz)
        found.append(part)
    return found + parts[len(refined) :]
