"""Files of one commit on the Hub, brought into huggingface_hub's cache: what is missing, each whole and intact.

What comes is compared with the size and the hash that the Hub lists. Several processes may do so at once.
"""

import shutil
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from audiocls.errors import ModelError
from audiocls.hub.hashes import same
from audiocls.hub.ids import HubId
from audiocls.text_layout import size

_BAR_FROM_BYTES = 10_000_000
_FILES_AT_ONCE = 8


def bring(hub_id: HubId, commit: str, files: Sequence[Any], in_turn: bool = False) -> None:
    """Fetch those of the files that are not whole in the cache.

    Args:
        files: as `ModelInfo.siblings` lists them, with metadata.
        in_turn: one after the other, for large ones: then Ctrl-C ends it at once.

    Raises:
        ModelError: one came damaged.
    """
    missing = [file for file in files if not is_whole(hub_id, commit, file)]
    with _one_bar(f"fetching {hub_id}", sum(file.size or 0 for file in missing)) as bar:
        if in_turn:
            for file in missing:
                _fetch(hub_id, commit, file, bar)
        else:
            with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
                list(pool.map(lambda file: _fetch(hub_id, commit, file, bar), missing))


def cached(hub_id: HubId, name: str, revision: str | None) -> Path | None:
    """Where a file of a revision lies in the cache."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub_id.repo_id, name, revision=revision)
    return Path(found) if isinstance(found, str) else None


def is_whole(hub_id: HubId, commit: str, file: Any) -> bool:
    """Whether a file is in the cache with the size that the Hub lists."""
    path = cached(hub_id, file.rfilename, commit)
    return path is not None and file.size in (None, path.stat().st_size)


def _fetch(hub_id: HubId, commit: str, file: Any, bar: Any) -> None:
    from huggingface_hub import hf_hub_download

    again = cached(hub_id, file.rfilename, commit) is not None  # cut short, or it would not be fetched
    path = Path(hf_hub_download(hub_id.repo_id, file.rfilename, revision=commit, force_download=again, tqdm_class=bar))
    if (file.lfs or file.blob_id) and not same(path, file):  # a listing need not tell hashes
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise ModelError(f"{hub_id}: {file.rfilename} came damaged; run the same again")


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logging.set_verbosity(verbosity)


@contextmanager
def _one_bar(title: str, num_bytes: int) -> Iterator[Any]:
    """One progress bar for many files, if they are large and there is somebody to see it.

    What it gives is what huggingface_hub makes a progress bar of for each file.
    """
    from huggingface_hub.utils import are_progress_bars_disabled

    hidden = True if num_bytes < _BAR_FROM_BYTES or are_progress_bars_disabled() else None  # None: not on a terminal
    with tqdm(total=num_bytes, desc=title, unit="B", unit_scale=True, leave=False, disable=hidden) as shared:

        class Share(tqdm):
            """A bar that is not shown itself."""

            def __init__(self, *args: Any, initial: int = 0, **options: Any) -> None:
                super().__init__(initial=initial, total=options.get("total"), disable=True)
                shared.update(initial)

            def update(self, n: float | None = 1) -> bool | None:
                return shared.update(n or 0)

        yield Share
