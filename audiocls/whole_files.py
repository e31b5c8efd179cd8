"""Writing one file so that it has its name only when it is complete: beside it first, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiocls.model_folder import explained


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write to; it becomes `path` if the block ends well, and is removed if not. Makes the folder.

    Raises:
        OutputError: instead of OSError.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text as it is, line ends included; what UTF-8 cannot hold is written as an escape such as \\udcff.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(path) as beside:
        beside.write_bytes(text.encode("utf-8", "backslashreplace"))
