"""Where the files made for one recording lie in the output folder; two recordings never share one."""

import hashlib
import re
from pathlib import Path

LABELS, TIMELINES = "labels", "timelines"
_LONGEST_NAME = 200  # bytes; file systems allow 255, and a suffix is to come


def place(output_dir: Path, room: str, recording: str, suffix: str) -> Path:
    """`output_dir/room/<path of the recording><suffix>`: sites/a/x.wav.png for sites/a/x.wav.

    The extension stays, as x.wav and x.flac may lie side by side. An absolute path goes below "root", ".." becomes
    "up"; folders that are really called so get a "_" behind.
    """
    path = Path(recording)
    parts = ["root"] if path.is_absolute() else []
    for part in path.parts[1:] if path.is_absolute() else path.parts:
        parts.append("up" if part == ".." else part + "_" if re.fullmatch(r"(root|up)_*", part) else part)
    name = parts[-1]
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        name = f"{name[:40]}-{digest}"
    return output_dir.joinpath(room, *parts[:-1], name + suffix)
