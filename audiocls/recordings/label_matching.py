"""Which labelled events belong to which recording: one table for all, or a table for each, beside it or in a folder."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from audiocls.data.listing import shown, some
from audiocls.detection.event import Event
from audiocls.errors import DataError
from audiocls.recordings.label_tables import is_table, read_events, table_stem
from audiocls.recordings.naming import named_recording, recording_names

BESIDE = "beside"


def match_labels(recordings: Sequence[str], labels: str) -> tuple[dict[str, list[Event]], list[str]]:
    """The labelled events of each recording.

    Args:
        recordings: paths of the recordings.
        labels: a table; a folder of tables, each named as its recording (rec.txt, rec.wav.csv, rec.selections.txt for
            rec.wav); or "beside": such tables lie in the folder of each recording.

    Returns:
        The events by recording, without those that have no table or are not named in it; and what is to be said of
        what does not fit.

    Raises:
        DataError: a table cannot be read, names no recording where there are several, or nothing fits.
    """
    if labels == BESIDE and not Path(labels).exists():
        return _by_name(recordings, {name: Path(name).parent for name in recordings}, "beside the recordings")
    if Path(labels).is_dir():
        return _by_name(recordings, dict.fromkeys(recordings, Path(labels)), f"in {shown(labels)}")
    if not Path(labels).is_file():
        raise DataError(f"labels: {shown(labels)}: no such file or folder (or {BESIDE}: tables beside the recordings)")
    return _of_one_table(recordings, Path(labels))


def _of_one_table(recordings: Sequence[str], path: Path) -> tuple[dict[str, list[Event]], list[str]]:
    rows = read_events(path)
    where = f"labels: {shown(str(path))}"
    if not rows:
        raise DataError(f"{where}: holds no events")
    nameless = [row for row in rows if row.recording is None]
    if nameless and len(recordings) > 1:
        raise DataError(
            f"{where}: its events name no recording, and {len(recordings)} are given; add a column recording, or give "
            "a folder with a table for each"
        )
    known = recording_names(recordings)
    events: dict[str, list[Event]] = defaultdict(list)
    strangers: dict[str, int] = defaultdict(int)
    for row in rows:
        name = recordings[0] if row.recording is None else named_recording(known, row.recording, row.where or where)
        if name is None:
            strangers[str(row.recording)] += 1
        else:
            events[name].append(row.event)
    if not events:
        raise DataError(
            f"{where}: names none of the given recordings; it has {some(sorted(strangers))}, given are "
            f"{some([PurePath(name).name for name in recordings])}"
        )
    notes = []
    if strangers:
        notes.append(
            f"{shown(path.name)}: {sum(strangers.values())} events of recordings that are not given: "
            f"{some(sorted(strangers))}"
        )
    without = [PurePath(name).name for name in recordings if name not in events]
    return dict(events), notes + _no_labels(without)


def _by_name(
    recordings: Sequence[str], folders: dict[str, Path], where: str
) -> tuple[dict[str, list[Event]], list[str]]:
    tables: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for folder in dict.fromkeys(folders.values()):
        for path in sorted(folder.iterdir()):
            if path.is_file() and is_table(path):
                tables[folder, table_stem(path)].append(path)
    events: dict[str, list[Event]] = {}
    without = []
    for name in recordings:
        own = PurePath(name)
        found = [*tables.get((folders[name], own.name), []), *tables.get((folders[name], own.stem), [])]
        if len(found) > 1:
            raise DataError(
                f"labels: {shown(name)} has several tables: {some([str(each) for each in found])}; keep one"
            )
        if found:
            events[name] = [row.event for row in read_events(found[0])]
        else:
            without.append(own.name)
    if not events:
        raise DataError(
            f"labels: no tables named as the recordings {where}, such as "
            f"{shown(PurePath(recordings[0]).stem)}.txt for {shown(PurePath(recordings[0]).name)}"
        )
    return events, _no_labels(without)


def _no_labels(names: Sequence[str]) -> list[str]:
    return [f"no labels for {some(names)}; nothing is cut from there"] if names else []
