"""Which found events are which true ones, and which stretches of a recording hold events.

Both as the toolbox sed_eval counts them (Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event
detection", Applied Sciences 6(6), 2016), for the events of one recording.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from audiocls.detection.event import Event

SHARE_OF_LENGTH = 0.5  # of a true event's length, by which its end may be off; or the collar, if that is more
SLACK_SECONDS = 1e-6  # of the search; what it finds is compared exactly


def matches(
    truth: Sequence[Event], found: Sequence[Event], collar_seconds: float, with_ends: bool = False
) -> list[tuple[int, int]]:
    """Pairs (true, found) of events of one label that start together: as many pairs as can be, each event in one.

    A found event fits a true one if its start is off by `collar_seconds` at most and, `with_ends`, its end by at most
    the collar or half of the true event's length, whichever is more.

    Args:
        truth, found: the events of one label in one recording, in any order.
    """
    if not truth or not found:
        return []
    order = sorted(range(len(found)), key=lambda index: found[index].start_seconds)
    starts = np.array([found[index].start_seconds for index in order])
    rows, columns = [], []
    for row, event in enumerate(truth):
        reach = collar_seconds + SLACK_SECONDS
        low = int(np.searchsorted(starts, event.start_seconds - reach, side="left"))
        high = int(np.searchsorted(starts, event.start_seconds + reach, side="right"))
        for index in order[low:high]:
            if _fits(event, found[index], collar_seconds, with_ends):
                rows.append(row)
                columns.append(index)
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(truth), len(found)))
    partners = maximum_bipartite_matching(graph, perm_type="column")
    return [(row, int(column)) for row, column in enumerate(partners) if column >= 0]


def _fits(event: Event, found: Event, collar_seconds: float, with_ends: bool) -> bool:
    if abs(event.start_seconds - found.start_seconds) > collar_seconds:
        return False
    tolerance = max(collar_seconds, SHARE_OF_LENGTH * (event.end_seconds - event.start_seconds))
    return not with_ends or abs(event.end_seconds - found.end_seconds) <= tolerance


def segments(events: Sequence[Event], labels: Sequence[str], seconds: float, segment_seconds: float) -> np.ndarray:
    """Which segments of a recording of so many seconds an event of each label touches: bool (segments, labels).

    The last segment may be shorter. What lies beyond the end does not count, nor do events of other labels.
    """
    count = math.ceil(seconds / segment_seconds)
    touched = np.zeros((count, len(labels)), bool)
    columns = {label: column for column, label in enumerate(labels)}
    for event in events:
        if event.label in columns:
            start = math.floor(event.start_seconds / segment_seconds)
            touched[start : math.ceil(event.end_seconds / segment_seconds), columns[event.label]] = True
    return touched
