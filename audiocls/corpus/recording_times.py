"""When recordings were made: told by a table beside them, their names or their headers, as recorders write them.

Times are as the recorder's clock showed them, without a time zone: what counts is the hour of the day out there.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from audiocls.corpus.wav_remarks import wav_remarks
from audiocls.data.metadata import FILE_COLUMNS, column, read_rows, table_in
from audiocls.errors import DataError

TIME_COLUMNS = ("recorded_at", "recording_time", "start_time", "datetime", "date_time", "timestamp", "recorded")
DATE_COLUMN, CLOCK_COLUMN = "date", "time"
TABLE_LEVELS = 3  # metadata.csv is looked for in a recording's folder and in those above it

# 20240131_053000 (AudioMoth, Song Meter), 2024-01-31_05-30-00, 20240131T0530, 2024-01-31/05-30-00.
_FULL = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<mark>[-_.:]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)"
    r"[T_ /.-]?(?P<hour>\d\d)[-_.:h]?(?P<minute>\d\d)(?:[-_.:m]?(?P<second>\d\d))?(?!\d)"
)
# 240131053000 (SoundTrap), 240131_053000 (Zoom).
_SHORT = re.compile(
    r"(?<!\d)(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)[_-]?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?!\d)"
)
_HEX = re.compile(r"[0-9A-F]{8}")  # the seconds since 1970, as AudioMoth named its files before 2020
_HEX_YEARS = range(2015, 2040)
# "Recorded at 05:30:00 31/01/2024 (UTC) by AudioMoth 24F319016037E8A2 at medium gain ..."
_AUDIOMOTH = re.compile(r"Recorded at (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d\d)/(\d\d)/(\d{4})")


def recorded_at(path: str) -> datetime | None:
    """When the recording began by its name, else by its header; None if neither tells."""
    return time_in_name(path) or time_in_header(path)


def time_in_name(path: str) -> datetime | None:
    """The time in a file's name, or in its folder's name and its own together."""
    name = os.path.basename(path)
    stem = os.path.splitext(name)[0]
    if _HEX.fullmatch(stem):
        moment = datetime.fromtimestamp(int(stem, 16), UTC).replace(tzinfo=None)
        if moment.year in _HEX_YEARS:
            return moment
    with_folder = f"{os.path.basename(os.path.dirname(path))}/{name}"
    return _found(_FULL, name) or _found(_SHORT, stem) or _found(_FULL, with_folder)


def name_without_time(path: str) -> str:
    """A file's name without its time and all other digits: the same for all recordings of one recorder."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return "" if _HEX.fullmatch(stem) else re.sub(r"\d+", "", _SHORT.sub("", _FULL.sub("", stem)))


def time_in_header(path: str) -> datetime | None:
    """The time in a WAV file's header: AudioMoth's comment, a GUANO timestamp, or the origination of a bext chunk."""
    remarks = wav_remarks(path)
    told = _AUDIOMOTH.search(remarks.comment)
    if told:
        hour, minute, second, day, month, year = map(int, told.groups())
        return _moment(year, month, day, hour, minute, second)
    return next(filter(None, map(parse_time, (remarks.guano_timestamp, remarks.origination))), None)


def time_in_table(path: str) -> datetime | None:
    """The time that a metadata.csv in the recording's folder, or up to two above it, gives for it."""
    file, folder = Path(path), Path(path).parent
    for _ in range(TABLE_LEVELS):
        times = _table(str(folder))
        if times:
            found = times.get(file.relative_to(folder).as_posix())
            return found if found is not None else times.get(file.name)
        if folder == folder.parent:
            break
        folder = folder.parent
    return None


def parse_time(text: str) -> datetime | None:
    """A time as tables write it: ISO 8601, "2024/01/31 05:30", or as in file names; None for anything else."""
    text = text.strip()
    if len(text) <= len("2024-01-31"):  # a day alone says nothing of the hour
        return None
    try:
        return datetime.fromisoformat(text.replace("/", "-")).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return _found(_FULL, text)


@lru_cache(maxsize=4096)
def _table(folder: str) -> dict[str, datetime]:
    """Times by file name; empty where there is no table, or none that tells times."""
    path = table_in(Path(folder))
    if path is None:
        return {}
    try:
        header, rows = read_rows(path)
    except DataError:  # the table is a help, not what was asked for
        return {}
    file_column, time_column = column(header, (*FILE_COLUMNS, "recording")), column(header, TIME_COLUMNS)
    if file_column is None or (time_column is None and not {DATE_COLUMN, CLOCK_COLUMN} <= set(header)):
        return {}
    times = {}
    for row in rows:
        told = row[time_column] if time_column else f"{row[header[DATE_COLUMN]]} {row[header[CLOCK_COLUMN]]}"
        moment = parse_time(told)
        if moment is not None:
            times[Path(row[file_column].strip()).as_posix()] = moment
    return times


def forget_tables() -> None:
    """Read metadata tables again: they may have changed since."""
    _table.cache_clear()


def _found(pattern: re.Pattern, text: str) -> datetime | None:
    """The last time in the text that there is in a calendar: numbers of sites and recorders come first."""
    moments = []
    for match in pattern.finditer(text):
        number = {name: int(value or 0) for name, value in match.groupdict().items() if name != "mark"}
        year = number["year"] + (2000 if number["year"] < 100 else 0)
        moment = _moment(year, number["month"], number["day"], number["hour"], number["minute"], number["second"])
        moments += [moment] if moment else []
    return moments[-1] if moments else None


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime | None:
    try:
        if hour == 24 and minute == second == 0:
            return datetime(year, month, day) + timedelta(days=1)
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
