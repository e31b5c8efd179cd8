"""Features of clips, kept on disk so that folds, trials and later runs compute them once.

Below `cache_folder()` each key has a folder of safetensors files; each file holds the features of the clips that one
call had to compute, named by the content of the clip. Files appear complete or not at all and are never changed, so
any number of processes may read and write at once; two that compute the same clip store it twice, which does no harm.
A damaged file counts as absent. Nothing is unpickled.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from audiocls.audio.decoding import DECODER_VERSION
from audiocls.data.clips import Clips
from audiocls.data.store import cache_folder
from audiocls.errors import OutputError
from audiocls.whole_files import whole_file

CLIPS_AT_ONCE = 512  # written together; more than this is not lost when a long computation is interrupted
MOST_BYTES = 8 << 30  # of all features together; the files used longest ago go first


def cached_features(
    clips: Clips, key: dict[str, Any], compute: Callable[[list[int]], Iterable[np.ndarray]]
) -> list[np.ndarray]:
    """One array a clip, from the cache where it is there.

    Args:
        clips: whose features; clips of equal content and sampling rate share them.
        key: plain values (as JSON holds them) for everything else that decides the features: settings, the hash of
            weights, a version to raise when the method changes.
        compute: takes indices into `clips` and gives their arrays in that order, each of any shape and of a numeric
            type; it is called only with what is missing.

    A folder that cannot be written makes this slow, not impossible.
    """
    text = json.dumps([DECODER_VERSION, clips.sampling_rate, key], sort_keys=True, ensure_ascii=False)
    folder = cache_folder() / "features" / xxhash.xxh3_128(text.encode("utf-8", "surrogateescape")).hexdigest()
    contents = clips.contents
    known = _read(folder, set(contents))
    missing: dict[str, int] = {}
    for index, content in enumerate(contents):
        if content not in known:
            missing.setdefault(content, index)
    if missing:
        arrays = iter(compute(list(missing.values())))
        names = iter(missing)
        while chunk := list(itertools.islice(names, CLIPS_AT_ONCE)):
            fresh = {name: np.ascontiguousarray(next(arrays)) for name in chunk}
            known.update(fresh)
            _write(folder, fresh)
        _remove_oldest(folder.parent)
    return [known[content] for content in contents]


def _read(folder: Path, wanted: set[str]) -> dict[str, np.ndarray]:
    """What the files of a key hold of the wanted clips; a damaged file is removed."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "numpy") as file:
                checksums = json.loads((file.metadata() or {})["checksums"])
                names = [name for name in file.keys() if name in wanted and name not in found]  # noqa: SIM118
                arrays = {name: file.get_tensor(name) for name in names}
            if any(_checksum(array) != checksums[name] for name, array in arrays.items()):
                raise ValueError("checksum")
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            _remove(path)
            continue
        found.update(arrays)
        if arrays:
            _mark_used(path)
    return found


def _write(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    name = xxhash.xxh3_128("\n".join(sorted(arrays)).encode()).hexdigest()
    checksums = json.dumps({content: _checksum(array) for content, array in arrays.items()})
    try:
        with whole_file(folder / f"{name}.safetensors") as beside:
            save_file(arrays, beside, {"checksums": checksums})
    except (OutputError, SafetensorError):  # the second is how a full disk shows
        return


def _remove_oldest(folder: Path) -> None:
    sizes = {}
    for path in folder.glob("*/*.safetensors"):
        try:
            status = path.stat()
        except OSError:
            continue  # another process removed it
        sizes[path] = (status.st_mtime_ns, status.st_size)
    excess = sum(size for _, size in sizes.values()) - MOST_BYTES
    for path in sorted(sizes, key=lambda path: sizes[path][0]):
        if excess <= 0:
            return
        excess -= sizes[path][1]
        _remove(path)


def _mark_used(path: Path) -> None:
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _checksum(array: np.ndarray) -> str:
    return xxhash.xxh3_64_hexdigest(np.ascontiguousarray(array).tobytes())
