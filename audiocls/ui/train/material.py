"""What a training is to learn from: taught clips, a zip or a folder, as something the command line reads.

What is a visitor's stays in the visitor's workspace until it goes with the training that needs it.
"""

import os
import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from audiocls.data.archives import ZipLimits, check_zip
from audiocls.errors import UsageError
from audiocls.model_folder import explained, run_name
from audiocls.ui.limits import LARGEST_TRAINING_BYTES, LARGEST_TRAINING_ZIP_BYTES, MOST_TRAINING_FILES
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.texts import train as texts
from audiocls.ui.train.taught import TaughtSounds

RECORDED, ZIPPED, NAMED = "recorded", "zip", "named"
TAUGHT_NAME = "my_sounds"


@dataclass(frozen=True)
class Material:
    """data: a folder, a zip or a Hub id, as `train` takes it. name: what it is called.

    held: the folder of the visitor's that holds it; None where it lies elsewhere on this machine or the Hub. private:
    what is computed of it must not stay in the cache of this machine. remark: what is to be said of it.
    """

    data: str
    name: str
    held: Path | None = None
    private: bool = True
    remark: str = ""

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables for processes that read it; `folder` goes when it does."""
        return {"AUDIOCLS_CACHE": str(folder / "cache")} if self.private else {}

    def taken_to(self, folder: Path) -> "Material":
        """The same in another folder, which is made; the one before may go."""
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if self.held is None:
                return self
            held = folder / "data"
            shutil.copytree(self.held, held, copy_function=_linked)
        return replace(self, data=str(held / Path(self.data).relative_to(self.held)), held=held)


def taught_material(taught: TaughtSounds, workspace: Path) -> Material:
    """The clips that were recorded here.

    Raises:
        UsageError: there are fewer than two classes.
    """
    found = taught.by_class()
    if len(found) < 2:
        raise UsageError(texts.TEACH_ANOTHER if found else texts.TEACH_FIRST)
    held = _new_folder(workspace)
    remark = "" if taught.grouped() else texts.ONE_OCCASION
    return Material(str(taught.copy_to(held / TAUGHT_NAME)), TAUGHT_NAME, held, remark=remark)


def zip_material(path: str | None, workspace: Path) -> Material:
    """A zip that was uploaded, checked. It stays a zip: of one, no table may name files elsewhere on this machine.

    Raises:
        UsageError: there is none, or it is too large. DataError: it cannot be opened, or holds too much.
        OutputError: the disk is full.
    """
    if not path:
        raise UsageError(texts.NO_ZIP)
    size = Path(path).stat().st_size
    if size > LARGEST_TRAINING_ZIP_BYTES:
        raise UsageError(texts.ZIP_TOO_LARGE.format(size=size / 1e6, limit=LARGEST_TRAINING_ZIP_BYTES / 1e6))
    given = Path(path).name
    held = _new_folder(workspace)
    target = held / f"{run_name(Path(path).stem)}.zip"
    with explained(held):
        check_zip(Path(path), ZipLimits(MOST_TRAINING_FILES, LARGEST_TRAINING_BYTES), name=given)
        held.mkdir(parents=True)
        _linked(path, str(target))
    return Material(str(target), target.stem, held)


def named_material(name: str | None, visitor: Visitor) -> Material:
    """A folder of this machine or a data set of the Hub.

    Raises:
        UsageError: nothing was named, or the visitor does not sit at this machine.
    """
    if not visitor.local:
        raise UsageError(texts.NOT_LOCAL)
    name = (name or "").strip()
    if not name or name.startswith("-"):
        raise UsageError(texts.NO_DATA)
    expanded = os.path.expanduser(name)
    return Material(expanded, run_name(Path(expanded.partition("@")[0]).name), private=False)


def _new_folder(workspace: Path) -> Path:
    """For what is looked at now; what was looked at before goes."""
    for old in workspace.glob("sounds-*"):
        shutil.rmtree(old, ignore_errors=True)
    return workspace / f"sounds-{uuid.uuid4().hex[:8]}"


def _linked(source: str, target: str) -> str:
    """A second name for a file, or a copy where file systems differ."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target
