"""What the page says of a recording, of how far the search in it is and of what it found; and the rows of its table."""

import html
from collections.abc import Sequence

from audiocls.audio.decoding import AudioInfo
from audiocls.corpus.progress import clock
from audiocls.ui.card import escaped
from audiocls.ui.recording.search import Search
from audiocls.ui.recording.table import EventTable, Row
from audiocls.ui.texts import recording as texts


def given_line(name: str, info: AudioInfo) -> str:
    """What was given, in Markdown."""
    many = texts.MANY_CHANNELS.format(number=info.channels)
    return texts.GIVEN.format(
        name=escaped(name),
        length=texts.LENGTH_UNKNOWN if info.seconds is None else clock(info.seconds),
        rate=info.sampling_rate / 1000,
        channels=texts.CHANNELS.get(info.channels, many),
    )


def progress_bar(search: Search | None) -> str:
    """How far a search is, in HTML; empty where none goes on."""
    if search is None or search.ended:
        return ""
    share: float | None = None
    if search.state == "waiting":
        line = texts.WAITING.format(ahead=search.ahead)
    else:
        left = search.seconds_left()
        whole = search.expected_seconds
        share = min(1.0, search.seconds / whole) if whole and search.seconds else None
        line = (texts.LISTENING if whole else texts.LISTENING_UNKNOWN).format(
            heard=clock(search.seconds),
            whole=clock(whole or 0),
            events=event_count(len(search.events)),
            left="" if left is None else texts.TIME_LEFT.format(left=clock(left)),
        )
    value = "" if share is None else f' value="{share:.4f}"'
    label = html.escape(texts.PROGRESS_LABEL, quote=True)
    return f'<progress max="1"{value} aria-label="{label}"></progress><p>{html.escape(line)}</p>'


def outcome(search: Search) -> str:
    """How a search ended, in Markdown."""
    if search.state == "failed":
        return escaped(search.problem or texts.BROKEN)
    count, length = event_count(len(search.events)), clock(search.seconds)
    count = count[0].upper() + count[1:] if search.state == "done" else count
    if search.state == "stopped":
        told = [texts.STOPPED.format(events=count, length=length)]
    else:
        told = [texts.DONE.format(events=count, length=length, took=clock(search.took_seconds))]
    if search.silent and search.state == "done":
        told.append(texts.SILENT)
    elif not search.events:
        told.append(texts.NO_EVENT)
    notes = [note for note in search.notes if not (search.silent and note.startswith("silent"))]
    if notes:
        told.append(texts.NOTE.format(note=escaped("; ".join(notes))))
    return "\n\n".join(told)


def event_count(number: int) -> str:
    return texts.EVENTS.get(number) or texts.MANY_EVENTS.format(number=number)


def counts_text(table: EventTable) -> str:
    """Events and seconds by label, and the whole in a line, in Markdown."""
    lines = [f"| {escaped(label)} | {number:,} | {seconds:,.1f} |\n" for label, number, seconds in table.counts()]
    line = texts.COUNTS_LINE.format(length=clock(table.seconds))
    changed, added, deleted = table.corrections()
    if changed or added or deleted:
        line += texts.COUNTS_CORRECTED.format(changed=changed, added=added, deleted=deleted)
    return (texts.COUNTS_HEAD + "".join(lines) + "\n" if lines else "") + line + "."


def table_rows(rows: Sequence[Row], seconds: float) -> list[list[object]]:
    """Events as the page's table has them; times as clocks of one width, so that they sort as text."""
    return [
        [
            row.number,
            clock_time(row.event.start_seconds, seconds),
            clock_time(row.event.end_seconds, seconds),
            row.event.label,
            round(row.event.peak_score, 3),
            row.correction,
        ]
        for row in rows
    ]


def chosen_line(row: Row, seconds: float) -> str:
    """Which event is chosen, in Markdown."""
    return texts.CHOSEN.format(
        number=row.number,
        start=clock_time(row.event.start_seconds, seconds),
        end=clock_time(row.event.end_seconds, seconds),
        label=escaped(row.event.label),
        correction=f"; {escaped(row.correction)}" if row.correction else "",
    )


def clock_time(seconds: float, whole: float) -> str:
    """A moment to the hundredth, written as long as every other in a recording of `whole` seconds."""
    minutes, rest = divmod(round(seconds * 100), 6000)
    tail = f"{rest // 100:02d}.{rest % 100:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{tail}" if whole >= 3600 else f"{minutes:02d}:{tail}"
