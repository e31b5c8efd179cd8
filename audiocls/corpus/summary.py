"""What a corpus held in all: events by class, by hour of the day, and what could not be read; as text and as data."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from audiocls.corpus.parts import FAILED, PARTIAL, Part
from audiocls.corpus.progress import clock as clock_text
from audiocls.corpus.tables import label_sums
from audiocls.data.listing import shown
from audiocls.errors import DataError
from audiocls.text_layout import pad, shorten, text_width

NAME_WIDTH = 32
FILE_WIDTH = 60
MOST_NAMED = 5
HOURS = 24


@dataclass
class Corpus:
    """What `detect_recordings` found.

    recordings, seconds: how many are in the tables, and how much sound was read. asked: how many this call named.
    failed: those among them that could not be read, with the reason. partial, odd_clocks: recordings in the tables and
    what is to be said of them. events, event_seconds, found_in: by label: events, their seconds, and recordings that
    hold some. hours: by label the events that began in each hour of the day; hour_seconds: sound read in each; both
    over recordings whose time is known and whose clock was set (`timed` of them).
    """

    output_dir: Path
    labels: tuple[str, ...]
    asked: int = 0
    recordings: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)
    partial: list[tuple[str, str]] = field(default_factory=list)
    odd_clocks: list[tuple[str, str]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    event_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    found_in: Counter[str] = field(default_factory=Counter)
    hours: dict[str, list[int]] = field(default_factory=dict)
    hour_seconds: list[float] = field(default_factory=lambda: [0.0] * HOURS)
    timed: int = 0

    def add(self, part: Part, clock: str) -> None:
        """Count one recording; `clock` is what is odd about its time."""
        self.recordings += 1
        self.seconds += part.duration_seconds
        if clock:
            self.odd_clocks.append((part.recording, clock))
        if part.status == FAILED:
            return
        if part.status == PARTIAL:
            self.partial.append((part.recording, part.reason))
        counts, seconds = label_sums(part.events)
        self.events.update(counts)
        self.found_in.update(counts.keys())
        for label, length in seconds.items():
            self.event_seconds[label] += length
        if part.recorded_at and "not set" not in clock and "future" not in clock:
            self._add_hours(part, datetime.fromisoformat(part.recorded_at))

    def check(self) -> None:
        """Complain if recordings could not be read.

        Raises:
            DataError: how many of them.
        """
        if self.failed:
            raise DataError(f"{len(self.failed)} of {self.asked} recordings could not be read")

    def _add_hours(self, part: Part, began: datetime) -> None:
        self.timed += 1
        for event in part.events:
            row = self.hours.setdefault(event.label, [0] * HOURS)
            row[(began + timedelta(seconds=event.start_seconds)).hour] += 1
        at, left = began, part.duration_seconds
        while left > 0:
            in_hour = min(left, 3600 - at.minute * 60 - at.second)
            self.hour_seconds[at.hour] += in_hour
            at += timedelta(seconds=in_hour)
            at = at.replace(microsecond=0)
            left -= in_hour


def format_corpus(corpus: Corpus, speed: str = "") -> str:
    """The summary as lines of text: a row a class, then what is to be looked after, then where everything is."""
    width = min(NAME_WIDTH, max(5, *(text_width(shown(label)) for label in corpus.labels)))
    lines = [pad("class", width) + f"{'events':>9} {'seconds':>11} {'recordings':>11}"]
    for label in corpus.labels:
        name = pad(shorten(shown(label), width), width)
        lines.append(
            f"{name}{corpus.events[label]:>9,} {corpus.event_seconds[label]:>11,.1f} {corpus.found_in[label]:>11,}"
        )
    count = "1 recording" if corpus.recordings == 1 else f"{corpus.recordings:,} recordings"
    earlier = corpus.recordings - corpus.asked
    lines += ["", f"{count}, {clock_text(corpus.seconds)} of sound{speed}"]
    if earlier > 0:
        lines[-1] += f"; {earlier:,} of them from earlier calls"
    lines += _named("could not be read", corpus.failed)
    lines += _named("can only be read in part", corpus.partial)
    lines += _named("with an odd clock", corpus.odd_clocks)
    return "\n".join(lines)


def _named(what: str, recordings: Sequence[tuple[str, str]]) -> list[str]:
    if not recordings:
        return []
    lines = [f"{len(recordings):,} {what}:"]
    lines += [f"  {shorten(shown(name), FILE_WIDTH)}: {shown(reason)}" for name, reason in recordings[:MOST_NAMED]]
    more = len(recordings) - MOST_NAMED
    return lines + ([f"  and {more:,} more, see results.csv"] if more > 0 else [])
