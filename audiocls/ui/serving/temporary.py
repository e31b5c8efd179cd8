"""One folder for everything that an app puts down for a while: uploads, visitors' folders, what its trainings need.

It goes when the app ends, by Ctrl-C, by `kill` or with its terminal; what an app that was ended by force left behind,
the next one removes.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not on Windows: what is left behind there stays
    fcntl = None  # type: ignore[assignment]

PREFIX = "audiocls-app-"
_LOCK = "in_use"
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """The folder while the app runs. Uploads lie apart in `uploads`: of what is there gradio gives out anything to who
    knows its name, of the rest nothing."""
    remove_left_behind()
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = _locked(path)
    settings = {"GRADIO_TEMP_DIR": str(path / "uploads"), "TMPDIR": str(path / "work")}
    for folder in settings.values():
        Path(folder).mkdir(mode=0o700)
    before = {name: os.environ.get(name) for name in settings}
    directory = tempfile.tempdir
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    os.environ.update(settings)
    tempfile.tempdir = settings["TMPDIR"]
    try:
        yield path
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        tempfile.tempdir = directory
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            lock.close()


def remove_left_behind() -> None:
    """Remove the folders of this user's apps that do not run any more."""
    if fcntl is None:
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError while its app runs
                shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> IO[bytes] | None:
    """Held as long as this process lives, however it ends."""
    if fcntl is None:
        return None
    lock = (folder / _LOCK).open("w+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
