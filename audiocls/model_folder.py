"""Where a run writes: a folder that has its final name only when it is complete.

Work goes on in `<folder>.partial`, which also keeps the checkpoint an interrupted run resumes from.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiocls.errors import OutputError, UsageError

RUNS = Path("runs")
WEIGHTS = "model.safetensors"


def run_name(data_name: str) -> str:
    """The name of a data set as the name of a folder."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in data_name).strip("-.") or "run"


def default_output_dir(data_name: str, runs: Path = RUNS) -> Path:
    """The first free name for a run on this data: `runs/NAME`, `runs/NAME-2`, ..."""
    stem = run_name(data_name)
    number = 1
    while (path := runs / (stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return path


def is_model_folder(path: Path) -> bool:
    return (path / "config.json").is_file() and (path / WEIGHTS).is_file()


def model_folders(runs: Path = RUNS) -> list[Path]:
    """The complete model folders in `runs`, the one that was finished last first."""
    folders = [path for path in runs.glob("*") if is_model_folder(path) and not path.name.endswith(".partial")]
    return sorted(folders, key=lambda path: (path / WEIGHTS).stat().st_mtime, reverse=True)


def newest_run(runs: Path = RUNS) -> Path | None:
    """The model folder in `runs` that was finished last, or None."""
    return next(iter(model_folders(runs)), None)


class RunFolder:
    """The output folder of one run, under a temporary name until it is complete.

    Args:
        final: the name it will have.
        resume: go on with what an interrupted run left.
        overwrite: replace what has the final name, and forget what an interrupted run left.

    Raises:
        UsageError: the final name is taken, or an interrupted run is there, and neither flag says what to do.
        OutputError: the folder cannot be made.
    """

    def __init__(self, final: Path, resume: bool = False, overwrite: bool = False) -> None:
        self.final = final
        self.partial = final.with_name(final.name + ".partial")
        self.checkpoint = self.partial / "checkpoint.safetensors"
        self.overwrite = overwrite
        if final.exists() and not overwrite:
            if resume:
                raise UsageError(f"{final} is already complete; there is nothing to resume")
            raise UsageError(f"{final} exists; choose another --output_dir, or pass --overwrite to replace it")
        if self.checkpoint.exists() and not (resume or overwrite):
            raise UsageError(
                f"{self.partial} holds an interrupted run; pass --resume to go on with it, "
                "or --overwrite to start again"
            )

    def create(self) -> None:
        """Make the temporary folder; without `resume` what it held is forgotten."""
        with explained(self.partial):
            if self.overwrite and self.partial.exists():
                shutil.rmtree(self.partial)
            self.partial.mkdir(parents=True, exist_ok=True)

    def abandon(self) -> None:
        """Forget the temporary folder of a run that failed, unless it holds a checkpoint to go on from."""
        if not self.checkpoint.exists():
            shutil.rmtree(self.partial, ignore_errors=True)

    def complete(self) -> Path:
        """Give the finished folder its final name."""
        with explained(self.final):
            self.checkpoint.unlink(missing_ok=True)
            if self.final.exists():
                replaced = self.final.with_name(self.final.name + ".replaced")
                if replaced.exists():
                    shutil.rmtree(replaced)
                os.rename(self.final, replaced)
                os.rename(self.partial, self.final)
                shutil.rmtree(replaced)
            else:
                os.rename(self.partial, self.final)
        return self.final


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system's error about writing to `path` into one line.

    Raises:
        OutputError: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(f"{path}: the disk is full; free some space and run again with --resume") from error
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
