"""What a random split flatters: one cheap model, cross-validated with groups kept whole and with groups torn apart.

Clips of one speaker, recording or day on both sides of a split let a model recognise the speaker instead of the class;
the score then falls in use. The two cross-validations differ in nothing but that: folds, their sizes and the number of
clips of each class in each are the same. It looks at the training and validation parts only; the words for what
it finds are in `audiocls.card.honesty_text`.
"""

import textwrap
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from audiocls.card.honesty_text import leak_sentences
from audiocls.comparison.cheap_model import Scores, cheap_model
from audiocls.comparison.folds import assign_folds, learning_clips
from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.group_guess import guess_groups
from audiocls.data.listing import some
from audiocls.data.splits import groups_per_class, merge_groups
from audiocls.evaluation.intervals import TAILS, interval_of, unit_draws
from audiocls.evaluation.metrics import BOOTSTRAP_SEED, predicted_classes
from audiocls.training.batches import soft_targets
from audiocls.training.run import Run

WIDTH = 100  # of the terminal, in columns
NUM_FOLDS = 5
RANDOM_REPEATS = 3  # different ways to tear the groups apart, averaged
MOST_CLIPS = 2000
MOST_SECONDS = 6000.0  # of sound that is looked at
LEAST_GROUPS = 10  # that share these limits, where there are as many; none may take more than its share
GUESSED = "guessed from the file names"
COPIES = "copies of one recording"
LEAST_SHARED = 0.05  # share of clips with a copy, below which copies alone are not worth a report


@dataclass(frozen=True)
class _Groups:
    """`numbers` int64 of the learning clips, then of the test clips, equal for clips that belong together."""

    origin: str
    numbers: np.ndarray
    regex: str | None = None
    meaning: str | None = None


@dataclass(frozen=True)
class _Sample:
    """The clips that are cross-validated, with `targets` of the kept labels as `Clips.targets`, and their folds."""

    clips: Clips
    targets: np.ndarray
    groups: np.ndarray
    folds: np.ndarray
    dropped: list[str]


def leak_report(audio: AudioData, config: TrainConfig, run: Run) -> dict[str, Any] | None:
    """Measure how much better a model looks when groups lie on both sides of a split.

    Args:
        audio: its groups are taken where they are known, else guessed from the file names, else copies are groups.
        config: its pretrained model decides which features are looked at, so that most of them are in the cache.
        run: its accelerator is used.

    Returns:
        None where no two clips belong together. Otherwise plain values: groups (where they come from), meaning (of a
        guessed group: "speaker", ...), regex (that finds guessed groups), num_groups, clips, test_shared (share of the
        test clips with a clip of their group among the others, None without a test part). Then model, folds, grouped,
        random and gap, each {"accuracy", "interval"}; gap is grouped less random. Or, where groups cannot be kept
        apart, only a note that says why; a note stands also beside scores of some of the classes only.

    Raises:
        ModelError: the pretrained model of `config` cannot be used.
    """
    clips = learning_clips(audio)
    groups = _find_groups(audio, clips)
    if groups is None:
        return None
    numbers = np.unique(groups.numbers[: len(clips)], return_inverse=True)[1].astype(np.int64)
    report: dict[str, Any] = {
        "groups": groups.origin,
        "meaning": groups.meaning,
        "regex": groups.regex,
        "num_groups": int(numbers.max()) + 1,
        "clips": len(clips),
        "test_shared": _test_shared(groups.numbers, len(clips)),
    }
    sample = _sample(audio, clips, numbers, config.seed)
    if sample is None:
        return report | {"note": "no two classes have clips in several groups, so groups cannot be kept apart"}
    if sample.dropped:
        report["note"] = f"without {some(sample.dropped)}: all clips in one group"
    name, scores = cheap_model(config, audio, sample.clips, sample.targets, run)
    grouped, random = _cross_validated(scores, sample, config.seed)
    found = _with_intervals(grouped, random, sample.groups)
    return report | {"model": name, "folds": int(sample.folds.max()) + 1, "clips": len(sample.clips), **found}


def format_leaks(report: Mapping[str, Any]) -> str:
    """A leak report for the terminal, at most 100 columns wide."""
    lines = ["Leaks between groups"]
    for sentence in leak_sentences(report):
        lines += textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(lines)


def _find_groups(audio: AudioData, clips: Clips) -> _Groups | None:
    """Groups of the learning clips, None where each would hold a single clip."""
    everything = clips.followed_by(audio.test)
    known = _pairs(everything.groups)
    if audio.groups_origin is not None:
        groups = _Groups(audio.groups_origin, merge_groups(len(everything), known))
    else:
        guesses = guess_groups(everything.files, _class_names(everything, audio))
        if guesses:
            best = guesses[0]
            numbers = merge_groups(len(everything), known + _pairs(best.names))
            groups = _Groups(GUESSED, numbers, best.regex, best.meaning)
        else:
            groups = _Groups(COPIES, merge_groups(len(everything), known))
    sizes = np.bincount(groups.numbers[: len(clips)])
    shared = sizes[sizes > 1].sum()
    least = LEAST_SHARED * len(clips) if groups.origin == COPIES else 1
    return groups if shared >= max(least, 1) else None


def _pairs(names: list[str | None]) -> list[tuple[int, int]]:
    """Each clip with the first of its name."""
    first: dict[Hashable, int] = {}
    return [(first.setdefault(name, clip), clip) for clip, name in enumerate(names) if name is not None]


def _class_names(clips: Clips, audio: AudioData) -> list[str]:
    wanted = soft_targets(clips, len(audio.labels)) > 0.5
    return ["|".join(audio.labels[label] for label in np.flatnonzero(row)) for row in wanted]


def _test_shared(numbers: np.ndarray, num_learning: int) -> float | None:
    tested = numbers[num_learning:]
    return float(np.isin(tested, numbers[:num_learning]).mean()) if len(tested) else None


def _sample(audio: AudioData, clips: Clips, groups: np.ndarray, seed: int) -> _Sample | None:
    """Clips of several groups, at most as many as are looked at, of classes that no single fold holds alone."""
    rng = np.random.default_rng([seed, len(clips)])
    counts = soft_targets(clips, len(audio.labels)) > 0.5
    chosen = np.flatnonzero(_drawn(counts, groups, clips.lengths / clips.sampling_rate, rng))
    kept = np.ones(len(audio.labels), bool)
    while True:
        inside, numbers = counts[chosen], np.unique(groups[chosen], return_inverse=True)[1]
        confined = kept & (groups_per_class(inside, numbers) < 2)
        if not confined.any():
            num_folds = min(NUM_FOLDS, int(numbers.max(initial=-1)) + 1)
            if num_folds < 2:
                return None
            folds = assign_folds(inside, numbers, num_folds, rng)
            confined = kept & np.array([len(np.unique(folds[column])) < 2 for column in inside.T])
        if not confined.any():
            break
        kept &= ~confined
        if kept.sum() < (1 if audio.multi_label else 2):
            return None
        if not audio.multi_label:
            chosen = chosen[counts[chosen][:, kept].any(1)]
    targets = inside[:, kept].astype(np.float32) if audio.multi_label else inside[:, kept].argmax(1).astype(np.int64)
    dropped = [label for label, there in zip(audio.labels, kept, strict=True) if not there]
    return _Sample(clips.subset(chosen), targets, numbers, folds, dropped)


def _drawn(counts: np.ndarray, groups: np.ndarray, seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which clips are looked at, bool (clips,): all, or as many groups as fit, large ones thinned out first.

    The groups come in random order, but first two of each class.
    """
    cost = np.maximum(1 / MOST_CLIPS, seconds / MOST_SECONDS)
    if cost.sum() <= 1:
        return np.ones(len(groups), bool)
    num_groups = int(groups.max()) + 1
    place = rng.permutation(num_groups)
    for column in counts.T:
        of_class = np.unique(groups[column])
        place[of_class[np.argsort(place[of_class])][:2]] -= num_groups
    order = np.lexsort((rng.random(len(groups)), place[groups]))  # group by group, within each at random
    before = np.cumsum(cost[order]) - cost[order]
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    within = before - np.repeat(before[starts], np.diff(np.append(starts, len(order))))
    order = order[within < 1 / min(num_groups, LEAST_GROUPS)]
    chosen = np.zeros(len(groups), bool)
    chosen[order[np.cumsum(cost[order]) <= 1]] = True
    return chosen


def _cross_validated(scores: Scores, sample: _Sample, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each clip was answered right (clips,): with groups whole, and with groups torn apart."""
    multi_label = sample.targets.ndim == 2

    def right(folds: np.ndarray) -> np.ndarray:
        same = predicted_classes(scores(folds), multi_label) == sample.targets
        return (same.all(1) if multi_label else same).astype(np.float64)

    rng = np.random.default_rng([seed, 1])
    torn = [right(_torn_folds(sample.folds, sample.targets, rng)) for _ in range(RANDOM_REPEATS)]
    return right(sample.folds), np.mean(torn, axis=0)


def _torn_folds(folds: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same folds dealt anew among the clips of each class, whatever their groups."""
    strata = np.unique(targets, axis=0, return_inverse=True)[1].reshape(-1)
    dealt = folds.copy()
    for stratum in range(int(strata.max()) + 1):
        members = np.flatnonzero(strata == stratum)
        dealt[members] = rng.permutation(folds[members])
    return dealt


def _with_intervals(grouped: np.ndarray, random: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Accuracies and their gap, with intervals of one bootstrap over groups, so that the gap is paired."""
    num_units = int(groups.max()) + 1
    table = np.zeros((num_units, 3), np.float32)
    np.add.at(table, groups, np.stack([grouped, random, np.ones(len(groups))], axis=1).astype(np.float32))
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    sums = np.concatenate([drawn @ table for drawn in unit_draws(num_units, generator)]).astype(np.float64)
    shares = sums[:, :2] / sums[:, 2:]
    intervals = [interval_of(shares[:, column], num_units) for column in range(2)]
    low, high = np.quantile(shares[:, 0] - shares[:, 1], TAILS).tolist()
    if low == high:  # no draw differs: no more is known of the gap than of both scores
        (grouped_low, grouped_high), (random_low, random_high) = intervals
        low, high = grouped_low - random_high, grouped_high - random_low
    gap = float(grouped.mean() - random.mean())
    return {
        "grouped": {"accuracy": float(grouped.mean()), "interval": list(intervals[0])},
        "random": {"accuracy": float(random.mean()), "interval": list(intervals[1])},
        "gap": {"accuracy": gap, "interval": [low, high]},
    }
