"""Data sets of the Hub, and folders of parquet files, through `datasets`: rows with encoded audio and a label."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiocls.data.hub_notes import read_note, write_note
from audiocls.data.hub_rows import Rows, add_rows, attribution_of, audio_column, check_columns, wanted_columns
from audiocls.data.hub_stream import streamed_splits
from audiocls.data.listing import PARTS, Listing, shown
from audiocls.errors import DataError
from audiocls.hub.cache import quiet_hub
from audiocls.hub.failures import hub_reason, in_short
from audiocls.hub.ids import HubId, parse_hub_id

_ASK_SECONDS = 20.0


def data_set_id(source: str) -> HubId | None:
    """The data set of the Hub that a source names, if it is no path: "user/name", perhaps with "@revision"."""
    hub_id = parse_hub_id(source)
    return hub_id if hub_id is not None and "/" in hub_id.repo_id else None


def has_parquet(folder: Path) -> bool:
    """Whether a folder holds parquet files, directly or in data/ as the Hub lays them out."""
    return any(folder.glob("*.parquet")) or any(folder.glob("data/*.parquet"))


def list_folder(folder: str) -> Listing:
    """List the clips of a local folder of parquet files.

    Raises:
        DataError: it cannot be read, or has no audio or label column.
    """
    import datasets

    try:
        found = datasets.load_dataset(folder)
    except Exception as error:  # whatever pyarrow raises becomes one line
        raise DataError(f"{shown(folder)}: the parquet files cannot be loaded: {in_short(error)}") from error
    listing = Listing(name=Path(folder).name, root=Path(folder))
    return _filled(listing, folder, [_loaded(folder, str(split), table) for split, table in found.items()])


def list_hub(hub_id: HubId, streaming: bool = False) -> Listing:
    """List the clips of a data set of the Hub.

    Args:
        streaming: read its files in place; otherwise all of them come into the cache of `datasets`, from where it is
            read when the Hub cannot be reached.

    Raises:
        DataError: it is not there, or not to be had, or cannot be loaded, or has no audio or label column.
    """
    source = str(hub_id)
    commit, license_name = _ask(hub_id)
    if commit is None:
        if streaming:
            raise DataError(
                f"{source}: the Hub cannot be reached, and streaming reads there; leave it out to use the cache"
            )
        commit, tables = _from_cache(hub_id)
        splits = [_loaded(source, split, table, hub_id) for split, table in tables.items()]
    else:
        at = HubId(hub_id.repo_id, commit)
        try:
            with quiet_hub():
                splits, streaming = _splits(source, at, streaming)
        except DataError:
            raise
        except Exception as error:  # whatever network, Hub or pyarrow raise becomes one line
            raise DataError(_load_reason(error, hub_id)) from error
    listing = Listing(name=hub_id.repo_id, dataset_id=hub_id.repo_id, dataset_revision=commit, streamed=streaming)
    listing.attribution = attribution_of(splits) or (f"Licence of the data: {license_name}" if license_name else None)
    listing = _filled(listing, source, splits)
    if not streaming:
        _remember(hub_id, commit)
    return listing


def _filled(listing: Listing, source: str, splits: list[Rows]) -> Listing:
    known = {rows.split: PARTS.get(rows.split.lower()) for rows in splits}
    if len(splits) > 1 and None in known.values():
        unknown = ", ".join(name for name, part in known.items() if part is None)
        listing.warnings.append(f"splits {unknown} are neither training, validation nor test; they are left out")
    for rows in splits:
        if known[rows.split] or len(splits) == 1:
            # One lone split, most often called "train", is the whole data and not a given part.
            add_rows(listing, source, rows, known[rows.split] if len(splits) > 1 else None)
    listing.items.sort(key=lambda item: item.file)
    if not listing.items:
        raise DataError(f"{shown(source)}: no labelled audio in it")
    return listing


def _splits(source: str, at: HubId, streaming: bool) -> tuple[list[Rows], bool]:
    """All rows, and whether their sounds are read from the Hub."""
    import datasets

    if streaming:
        return streamed_splits(at), True
    try:
        found = datasets.load_dataset(at.repo_id, revision=at.revision)
    except Exception as error:
        if "torchcodec" in str(error) + str(error.__cause__):  # which it wants for folders of sounds only
            return streamed_splits(at), True
        raise
    return [_loaded(source, str(split), table, at) for split, table in found.items()], False


def _loaded(source: str, split: str, table: Any, hub_id: HubId | None = None) -> Rows:
    """A table in the cache of `datasets`, read through a memory map; `hub_id` says whose it is, if not this user's."""
    import datasets

    check_columns(source, table.features)
    audio = audio_column(source, table.features)
    features = table.features
    table = table.cast_column(audio, datasets.Audio(decode=False))
    sounds = table.select_columns([audio])
    columns = {name: table[name][:] for name in wanted_columns(features)}
    return Rows(split, features, columns, len(table), lambda row: _reader(sounds, row, audio, hub_id))


def _reader(table: Any, row: int, column: str, hub_id: HubId | None) -> Callable[[], bytes]:
    def read() -> bytes:
        cell = table[row][column] or {}
        if cell.get("bytes") is not None:
            return cell["bytes"]
        path = cell.get("path")
        if not path or not os.path.isfile(path) or (hub_id is not None and not _came_with(hub_id, path)):
            return b""
        return Path(path).read_bytes()

    return read


def _came_with(hub_id: HubId, path: str) -> bool:
    """Whether a file lies where this data set was fetched to: a stranger's row must not choose others."""
    import datasets
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    own = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=hub_id.repo_id, repo_type="dataset"))
    file = Path(path).resolve()
    return any(file.is_relative_to(Path(each).resolve()) for each in (own, datasets.config.EXTRACTED_DATASETS_PATH))


def _ask(hub_id: HubId) -> tuple[str | None, str | None]:
    """The commit that a revision is now, and the licence on the card; no commit when the Hub cannot be reached.

    `load_dataset` by itself takes half a minute of retries to say that there is no network.

    Raises:
        DataError: there is no such data set or revision, or it is not to be had.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        info = api.dataset_info(hub_id.repo_id, revision=hub_id.revision, timeout=_ASK_SECONDS)
        if info.gated:  # everybody may know of it, but its files are not for everybody
            api.auth_check(hub_id.repo_id, repo_type="dataset")
    except Exception as error:  # of many kinds, from network to Hub
        answer = getattr(error, "response", None)
        if (answer is None or answer.status_code == 429 or answer.status_code >= 500) and _remembered(hub_id):
            return None, None
        reason = hub_reason(error, hub_id.repo_id, hub_id.revision, "dataset")
        raise DataError(f"{shown(str(hub_id))}: no such folder or zip here, and {reason}") from error
    license_name = info.card_data.get("license") if info.card_data else None
    return str(info.sha), license_name if isinstance(license_name, str) and license_name != "unknown" else None


def _load_reason(error: Exception, hub_id: HubId) -> str:
    """Why the data set does not load, in one line."""
    import datasets

    name = str(hub_id)
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and "Config name is missing" in text:
        names = datasets.get_dataset_config_names(hub_id.repo_id, revision=hub_id.revision)
        return (
            f"{name}: the data set has several configurations ({', '.join(names[:8])}); save the one you mean with "
            f"datasets.load_dataset({hub_id.repo_id!r}, {names[0]!r}) and to_parquet, and give that folder"
        )
    reason = hub_reason(error, hub_id.repo_id, hub_id.revision, "dataset").removeprefix(f"{hub_id.repo_id}: ")
    return f"{name}: the Hub data set cannot be loaded: {reason}"


def _remember(hub_id: HubId, commit: str) -> None:
    if _remembered(hub_id) != commit:
        write_note(hub_id, "commit", {"data_set": str(hub_id), "commit": commit})


def _remembered(hub_id: HubId) -> str | None:
    """The commit it was when it was last read; None if it is not in the cache of `datasets` as a whole."""
    commit = read_note(hub_id, "commit").get("commit")
    return commit if commit and _cached_folder(hub_id, commit) else None


def _cached_folder(hub_id: HubId, commit: str) -> Path | None:
    """Where `datasets` keeps what it has loaded of a commit."""
    import datasets

    owner, _, name = hub_id.repo_id.partition("/")
    name = datasets.naming.camelcase_to_snakecase(name)
    root = Path(datasets.config.HF_DATASETS_CACHE, f"{owner}___{name}")
    return next((path for path in sorted(root.glob(f"*/*/{commit}")) if path.is_dir()), None)


def _from_cache(hub_id: HubId) -> tuple[str, dict[str, Any]]:
    """The commit that was loaded last, and its splits, without the Hub."""
    from datasets.packaged_modules.cache.cache import Cache

    commit = str(_remembered(hub_id))
    folder = _cached_folder(hub_id, commit)
    if folder is None:
        raise DataError(f"{hub_id}: the Hub cannot be reached, and the data set is not in the cache")
    name = hub_id.repo_id.partition("/")[2]
    config, version = folder.parts[-3:-1]
    cache = Cache(repo_id=hub_id.repo_id, dataset_name=name, config_name=config, version=version, hash=commit)
    try:
        return commit, dict(cache.as_dataset())
    except Exception as error:  # whatever `datasets` and pyarrow raise about a damaged cache
        raise DataError(f"{hub_id}: the copy in the cache cannot be read: {in_short(error)}") from error
