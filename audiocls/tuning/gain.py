"""What a search gained: its trials against the settings as they were, and by how much the best of them flatters.

Every trial's answers are kept with it, so that differences are paired. It trains nothing.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audiocls.comparison.resampling import Bootstrap, difference_interval
from audiocls.evaluation.significance import holm
from audiocls.tuning.report import TrialRow


def compared(
    rows: Sequence[TrialRow], answers: Mapping[int, np.ndarray], start: np.ndarray, bootstrap: Bootstrap, score: str
) -> list[TrialRow]:
    """The rows, those with answers held against the settings as they were.

    Args:
        answers: scores (clips, labels) of full trials by their number.
        start: those of the settings as they were.
    """
    usual, draws = bootstrap.point(start)[score], bootstrap.draws(start)[score]
    known = [row for row in rows if row.number in answers]
    p_values = [bootstrap.p_value(answers[row.number], start, score) for row in known]
    found = {}
    for row, p_value, p_holm in zip(known, p_values, holm(p_values), strict=True):
        theirs = answers[row.number]
        found[row.number] = dataclasses.replace(
            row,
            difference=bootstrap.point(theirs)[score] - usual,
            difference_interval=difference_interval(bootstrap.draws(theirs)[score] - draws),
            p_value=p_value,
            p_holm=p_holm,
        )
    return [found.get(row.number, row) for row in rows]


def gain(
    rows: Sequence[TrialRow], answers: Mapping[int, np.ndarray], start: np.ndarray, bootstrap: Bootstrap, score: str
) -> dict[str, Any]:
    """What the best of `compared` rows gained, in plain values for the summary of a search.

    Returns:
        start_score, of the settings as they were; difference of the best trial to it, with difference_low and
        difference_high; p_value, and p_holm, corrected for the number of trials; trials, how many those are; flattery,
        by how much the best score is too high because it is the best.
    """
    known = [row for row in rows if row.number in answers]
    best = max(known, key=lambda row: (row.mean, -row.number))
    assert best.difference_interval is not None  # `compared` filled it in
    return {
        "start_score": bootstrap.point(start)[score],
        "difference": best.difference,
        "difference_low": best.difference_interval[0],
        "difference_high": best.difference_interval[1],
        "p_value": best.p_value,
        "p_holm": best.p_holm,
        "trials": len(known),
        "flattery": bootstrap.flattery([answers[row.number] for row in known], score),
    }
