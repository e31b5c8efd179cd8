"""The events of one recording as a person goes over them: shown by label and score, corrected, written as tables.

It holds no sound and knows no page. What was found stays beside what was made of it, so every correction can be told
and taken back.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from audiocls.corpus.tables import label_sums
from audiocls.data.listing import class_name
from audiocls.detection.event import Event
from audiocls.errors import UsageError
from audiocls.recordings.label_tables import TableEvent
from audiocls.recordings.label_writing import COLUMNS, FORMAT_SUFFIXES, csv_line, event_record, events_text
from audiocls.ui.limits import MOST_CORRECTED_EVENTS
from audiocls.ui.texts import recording as texts

CORRECTION = "correction"  # the column that a corrected CSV has besides
LONGEST_LABEL = 100
_SLACK_SECONDS = 0.05  # an event may end so long behind the end, which is told to the hundredth
_SAME_SECONDS = 5e-4  # times that a field shows rounded


@dataclass(frozen=True)
class Row:
    """An event with its number, which stays its own. found: as the model found it, None if a person added it."""

    number: int
    event: Event
    found: Event | None
    deleted: bool = False

    @property
    def correction(self) -> str:
        """What a person changed, or ""."""
        if self.deleted:
            return texts.DELETED
        if self.found is None:
            return texts.ADDED
        told = []
        if self.event.label != self.found.label:
            told.append(texts.WAS_LABEL.format(label=self.found.label, score=self.found.peak_score))
        if (self.event.start_seconds, self.event.end_seconds) != (self.found.start_seconds, self.found.end_seconds):
            told.append(texts.WAS_TIME.format(start=self.found.start_seconds, end=self.found.end_seconds))
        return "; ".join(told)


class EventTable:
    """The events of a recording and what a person made of them.

    Args:
        recording: its name in the tables. events: as found, in order. seconds: how long it is. high_hz: half the rate
            at which the model hears, the upper edge of Raven's boxes.
    """

    def __init__(self, recording: str, events: Sequence[Event], seconds: float, high_hz: float) -> None:
        self.recording, self.seconds, self._high_hz = recording, seconds, high_hz
        self._rows = {number: Row(number, event, event) for number, event in enumerate(events, start=1)}
        self._next = len(events) + 1

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, number: int) -> Row:
        """
        Raises:
            UsageError: there is no such event.
        """
        if number not in self._rows:
            raise UsageError(texts.NO_SUCH_EVENT)
        return self._rows[number]

    def rows(self, labels: Sequence[str] = (), least_score: float = 0.0) -> list[Row]:
        """The events in order of start, with any of these labels (none: all) and at least that score."""
        chosen = [
            row
            for row in self._rows.values()
            if (not labels or row.event.label in labels) and row.event.peak_score >= least_score
        ]
        return sorted(chosen, key=lambda row: (row.event.start_seconds, row.event.end_seconds, row.event.label))

    def labels(self) -> list[str]:
        """The labels that events have."""
        return sorted({row.event.label for row in self._rows.values()})

    def change(self, number: int, label: str, start_seconds: float | None, end_seconds: float | None) -> Row:
        """Give an event another label or other times. A label that a person gives has the score 1.

        Raises:
            UsageError: no such event, no label, impossible times.
        """
        row = self.row(number)
        checked = self._checked(label, start_seconds, end_seconds)
        base = row.found or row.event
        start, end = (
            own if abs(own - given) < _SAME_SECONDS else given
            for own, given in (
                (base.start_seconds, checked.start_seconds),
                (base.end_seconds, checked.end_seconds),
            )
        )
        same = row.found is not None and checked.label == row.found.label
        scored = row.found if same and row.found is not None else checked
        event = dataclasses.replace(scored, start_seconds=start, end_seconds=end, label=checked.label)
        return self._keep(Row(number, event, row.found))

    def add(self, label: str, start_seconds: float | None, end_seconds: float | None) -> Row:
        """Add an event that was missed; its scores are 1.

        Raises:
            UsageError: no label, impossible times, too many events.
        """
        if len(self._rows) >= MOST_CORRECTED_EVENTS:
            raise UsageError(texts.TOO_MANY_EVENTS.format(limit=MOST_CORRECTED_EVENTS))
        row = self._keep(Row(self._next, self._checked(label, start_seconds, end_seconds), None))
        self._next += 1
        return row

    def delete(self, number: int) -> Row:
        """Say that an event is none; its row stays, marked.

        Raises:
            UsageError: no such event.
        """
        return self._keep(dataclasses.replace(self.row(number), deleted=True))

    def restore(self, number: int) -> Row:
        """An event as it was found; one that was added comes back if it was deleted.

        Raises:
            UsageError: no such event.
        """
        row = self.row(number)
        return self._keep(Row(number, row.found or row.event, row.found))

    def text(self, form: str, rows: Sequence[Row] | None = None) -> str:
        """A table of the events that are left: the bytes of `audiocls detect`, and in a CSV a column of corrections.

        The column is there only if something was corrected.

        Args:
            form: "csv", "audacity" or "raven". rows: which; all unless given.

        Raises:
            UsageError: another format.
        """
        kept = [row for row in (self.rows() if rows is None else rows) if not row.deleted]
        if form == "csv":
            named = [TableEvent(self.recording, row.event) for row in kept]
            extra = any(row.correction for row in self._rows.values())
            lines = [["recording", *COLUMNS, *([CORRECTION] * extra)]]
            for row, each in zip(kept, named, strict=True):
                lines.append([*event_record(each, True).values(), *([row.correction] * extra)])
            return "".join(map(csv_line, lines))
        return events_text([TableEvent(None, row.event) for row in kept], form, self._high_hz)

    def file_name(self, form: str) -> str:
        """How a download is called."""
        return f"{self.recording}{FORMAT_SUFFIXES[form]}"

    def counts(self) -> list[tuple[str, int, float]]:
        """Label, number of events and their seconds, of those that are left; the most frequent first."""
        events, seconds = label_sums([row.event for row in self._rows.values() if not row.deleted])
        return [
            (label, number, seconds[label]) for label, number in sorted(events.items(), key=lambda x: (-x[1], x[0]))
        ]

    def corrections(self) -> tuple[int, int, int]:
        """How many events were changed, added, deleted. One that was added and deleted counts as neither."""
        rows = self._rows.values()
        changed = sum(row.found is not None and not row.deleted and bool(row.correction) for row in rows)
        added = sum(row.found is None and not row.deleted for row in rows)
        return changed, added, sum(row.found is not None and row.deleted for row in rows)

    def _keep(self, row: Row) -> Row:
        self._rows[row.number] = row
        return row

    def _checked(self, label: str | None, start: float | None, end: float | None) -> Event:
        name = class_name(str(label or ""))
        if not 0 < len(name) <= LONGEST_LABEL:
            raise UsageError(texts.BAD_LABEL.format(limit=LONGEST_LABEL))
        within = texts.WITHIN.format(seconds=self.seconds)
        if start is None or end is None or not all(map(math.isfinite, (start, end))):
            raise UsageError(texts.BAD_TIMES.format(within=within))
        if not 0 <= start < end <= self.seconds + _SLACK_SECONDS:
            raise UsageError(texts.BAD_TIMES.format(within=within))
        return Event(float(start), float(end), name)
