"""When a difference counts as more than chance, also among several."""

from collections.abc import Sequence

import numpy as np

SIGNIFICANT = 0.05


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number: together they err no more often than one would alone.

    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 1979.
    """
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = least
    return corrected
