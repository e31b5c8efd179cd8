"""Which files of a model folder are published: all but rubbish; what could run or reach out of it is refused."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.card.examples import EXAMPLES
from audiocls.card.model_card import EVAL_RESULTS
from audiocls.errors import ModelError
from audiocls.inference.model_config import INPUT_FILES

MODELS = Path(__file__).parents[1] / "models"  # the code that is exported with our own models
HIDDEN_BUT_PUBLISHED = (EVAL_RESULTS, ".gitattributes")
RUBBISH = ("__pycache__", "Thumbs.db", "desktop.ini")
RUBBISH_ENDINGS = (".partial", ".pyc", ".tmp", "~")
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib", ".ckpt", ".dill")


def is_rubbish(name: str) -> bool:
    """Whether a file or folder of this name is never published, and not worth a word."""
    if name.startswith("."):
        return name not in HIDDEN_BUT_PUBLISHED
    return name in RUBBISH or name.endswith(RUBBISH_ENDINGS)


def folder_files(folder: Path, examples: bool = True) -> dict[str, Path]:
    """The files to publish, {path in the repository, with /: file}, sorted.

    Args:
        examples: whether `examples/` goes along.

    Raises:
        ModelError: a file may not be published; the line names it and says why.
    """
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(folder, onerror=_cannot_be_listed):
        folders[:] = sorted(name for name in folders if not is_rubbish(name))
        for name in list(folders):
            if (Path(place) / name).is_symlink():
                raise ModelError(f"{Path(place) / name} is a link to a folder, which is not published; remove it")
        if Path(place) == folder and not examples:
            folders[:] = [name for name in folders if name != EXAMPLES]
        for name in sorted(names):
            if not is_rubbish(name):
                path = Path(place) / name
                _check_file(path, folder)
                found[path.relative_to(folder).as_posix()] = path
    _check_code(found, folder)
    return dict(sorted(found.items()))


def _cannot_be_listed(error: OSError) -> None:
    raise ModelError(f"{error.filename} cannot be read: {error.strerror}")


def _check_file(path: Path, folder: Path) -> None:
    if any(ord(c) < 32 or "\ud800" <= c <= "\udfff" or c == "\\" for c in path.name):
        raise ModelError(f"{str(path)!r} has a name that the Hub cannot hold; rename or remove it")
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{path} is a link that leads out of the folder; put the file itself there, or remove it")
    if not path.is_file():
        raise ModelError(f"{path} is no regular file, and cannot be published; remove it")
    try:
        why = _pickled(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    if why:
        raise ModelError(f"{path} {why}, which can run anything on loading, and is not published; remove it")


def _pickled(path: Path) -> str | None:
    """Why a file may hold pickled objects: told by its name, its first bytes, and the types of arrays in it."""
    if path.suffix.lower() in PICKLES:
        return "is of a format that holds pickled objects"
    with path.open("rb") as file:
        if path.suffix.lower() == ".npy" and _has_objects(file):
            return "holds pickled objects"
        file.seek(0)
        start = file.read(4)
    if len(start) > 2 and start[0] == 0x80 and 2 <= start[1] <= 5:
        return "is a pickle"
    if start == b"PK\x03\x04" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(("data.pkl", ".pkl")):
                    return f"holds a pickle ({name})"
                if name.endswith(".npy"):
                    with archive.open(name) as array:
                        if _has_objects(array):
                            return f"holds pickled objects ({name})"
    return None


def _has_objects(file: Any) -> bool:
    """Whether a NumPy file holds objects; one that is damaged cannot be told from it, and counts as such."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return bool(read(file)[2].hasobject)
    except ValueError:
        return True


def _check_code(found: dict[str, Path], folder: Path) -> None:
    named = _named_code(folder)
    for name, path in found.items():
        if name.endswith((".py", ".pyw", ".so", ".sh")) and not is_released(path) and name not in named:
            raise ModelError(
                f"{path} is code that neither audiocls writes nor config.json names (auto_map), so no model needs it; "
                "remove it"
            )


def is_released(path: Path) -> bool:
    """Whether a Python file is, byte for byte, the code that this version of audiocls saves with its models."""
    ours = MODELS / path.name
    return ours.is_file() and ours.read_bytes() == path.read_bytes()


def other_code(found: dict[str, Path]) -> list[str]:
    """The Python files that are not this version's own."""
    return [name for name, path in found.items() if name.endswith(".py") and not is_released(path)]


def _named_code(folder: Path) -> set[str]:
    """The modules that the configuration names, and what they import of one another.

    Raises:
        ModelError: it names code of another repository, which whoever trusts the model would run.
    """
    from transformers.dynamic_module_utils import get_relative_import_files

    named: set[str] = set()
    for configuration in ("config.json", *INPUT_FILES):
        try:
            told = json.loads((folder / configuration).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for value in (told.get("auto_map") or {}).values() if isinstance(told, dict) else ():
            for reference in value if isinstance(value, list) else [value]:
                if isinstance(reference, str) and "--" in reference:
                    raise ModelError(
                        f"{folder / configuration}: auto_map takes code from another repository "
                        f"({reference.partition('--')[0]}), which could change it later; put the code into the folder"
                    )
                if isinstance(reference, str):
                    named.add(reference.split(".")[0] + ".py")
    for name in list(named):
        if (folder / name).is_file():
            try:
                named |= {Path(each).name for each in get_relative_import_files(folder / name)}
            except OSError:
                continue
    return named
