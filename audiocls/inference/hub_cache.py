"""Files of one commit on the Hub, brought into huggingface_hub's cache: what is missing, each whole and intact.

What comes is compared with the size and the hash that the Hub lists. Several processes may do so at once.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiocls.errors import ModelError
from audiocls.hub_access import HubId, size

_BAR_FROM_BYTES = 10_000_000
_FILES_AT_ONCE = 8


def bring(hub_id: HubId, commit: str, files: Sequence[Any], in_turn: bool = False) -> Path:
    """Fetch those of the files that are not whole in the cache; the folder of the commit."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    def fetch(file: Any) -> Path:
        found = try_to_load_from_cache(hub_id.repo_id, file.rfilename, revision=commit)
        path = Path(found) if isinstance(found, str) else None
        if path is not None and is_whole(path, file):
            return path.parent
        path = Path(
            hf_hub_download(
                hub_id.repo_id, file.rfilename, revision=commit, force_download=path is not None, tqdm_class=bar
            )
        )
        if not _is_intact(path, file):
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise ModelError(f"{hub_id}: {file.rfilename} came damaged; run the same again")
        return path.parent

    with _one_bar(f"fetching {hub_id}", sum(file.size or 0 for file in files)) as bar:
        if in_turn:  # large files, of which Ctrl-C shall not await the end
            folders = [fetch(file) for file in files]
        else:
            with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
                folders = list(pool.map(fetch, files))
    return folders[0] if folders else Path()


def is_whole(path: Path, file: Any) -> bool:
    return path.is_file() and (file.size is None or path.stat().st_size == file.size)


def _is_intact(path: Path, file: Any) -> bool:
    """Whether what came is what the Hub lists: SHA-256 of large files, git's hash of small ones."""
    if not is_whole(path, file):
        return False
    if file.lfs is not None:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.lfs.sha256
    content = path.read_bytes()
    return file.blob_id in (None, hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest())


def check_room(hub_id: HubId, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"{hub_id}: {size(needed)} are needed and {folder.parents[2]} has room for {size(free)}; free some, or set "
            "HF_HOME to a folder that has it"
        )


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep huggingface_hub from telling of each failure and each try in its own words."""
    from huggingface_hub.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


@contextmanager
def _one_bar(title: str, num_bytes: int) -> Iterator[Any]:
    """One progress bar for many files, if they are large and there is somebody to see it.

    What it gives is what huggingface_hub makes a progress bar of for each file.
    """
    from huggingface_hub.utils import are_progress_bars_disabled
    from tqdm import tqdm

    hidden = True if num_bytes < _BAR_FROM_BYTES or are_progress_bars_disabled() else None  # None: not on a terminal
    with tqdm(total=num_bytes, desc=title, unit="B", unit_scale=True, leave=False, disable=hidden) as shared:

        class Share:
            def __init__(self, *args: Any, initial: int = 0, **options: Any) -> None:
                self.update(initial)

            def __enter__(self) -> "Share":
                return self

            def __exit__(self, *exception: object) -> None: ...

            def update(self, number: float | None = 1) -> None:
                shared.update(number or 0)

            def __getattr__(self, name: str) -> Callable[..., None]:
                return lambda *args, **options: None

        yield Share
