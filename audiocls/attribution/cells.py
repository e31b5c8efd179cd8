"""Cutting a spectrogram into few cells where it changes: so a cell holds a sound, and not the half of two."""

import numpy as np


def change_edges(values: np.ndarray, count: int, least: int = 1) -> list[int]:
    """Divide a sequence into at most `count` segments that are as uniform as can be.

    Binary segmentation (Scott & Knott 1974): again and again the one cut that leaves the least squared deviation from
    the segments' means.

    Args:
        values: (features, places).
        count: of segments.
        least: places in a segment.

    Returns:
        The edges from 0 to the number of places, ascending.
    """
    places = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1, dtype=np.float64)], axis=1)

    def best_cut(start: int, end: int) -> tuple[float, int]:
        """What the best cut within a segment gains, and where it is."""
        cuts = np.arange(start + least, end - least + 1)
        if not len(cuts):
            return 0.0, start
        left, right = sums[:, cuts] - sums[:, [start]], sums[:, [end]] - sums[:, cuts]
        whole = sums[:, end] - sums[:, start]
        gains = (left**2 / (cuts - start) + right**2 / (end - cuts)).sum(axis=0) - (whole**2).sum() / (end - start)
        best = int(gains.argmax())
        return float(gains[best]), int(cuts[best])

    edges = [0, places]
    found = {(0, places): best_cut(0, places)}
    while len(edges) <= count:
        (start, end), (gain, cut) = max(found.items(), key=lambda item: item[1][0])
        if gain <= 0:
            break
        del found[start, end]
        found[start, cut], found[cut, end] = best_cut(start, cut), best_cut(cut, end)
        edges = sorted([*edges, cut])
    return edges
