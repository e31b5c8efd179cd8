"""A model's files: a folder here, or one commit of a model on the Hub brought into huggingface_hub's cache.

Of the Hub only what is needed is fetched: settings, card, scores and code first, which are small and tell whether it is
an audio classifier at all; then weights of one format; pictures and tables when they are asked for. Only plain names in
the top folder of a repository are ever fetched, so that links, "..", and sub-folders lead nowhere.
"""

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiocls.errors import ModelError, UsageError
from audiocls.hub.cache import bring, cached, check_room, is_whole, quiet_hub
from audiocls.hub.failures import hub_reason
from audiocls.hub.ids import HubId, parse_hub_id
from audiocls.inference.model_config import INPUT_FILES
from audiocls.text_layout import size

_SMALL = (
    "config.json", *INPUT_FILES, "training_config.json", "metrics.json",
    "README.md", "model.safetensors.index.json", "pytorch_model.bin.index.json", "*.py",
)  # fmt: skip
_LARGEST_SMALL_BYTES = 20_000_000  # nothing that is read whole is larger
_FORMATS = (("model.safetensors", "model-*.safetensors"), ("pytorch_model.bin", "pytorch_model-*.bin"))
REJECTION_FILE = "rejection.safetensors"  # beside the weights of models that are not ours
_PLAIN_NAME = re.compile(r"[\w][\w.+-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PATIENCE_SECONDS, _PATIENCE_WITH_CACHE_SECONDS = 10.0, 5.0  # for the first answer


@dataclass(frozen=True)
class ModelFiles:
    """Where the files of a model lie, and where they are from.

    `name` is for people: the name of the folder, or the id on the Hub with its revision. `note` says why a commit of
    the cache is used unasked.
    """

    name: str
    folder: Path
    hub_id: HubId | None = None
    commit: str | None = None
    note: str | None = None

    @property
    def origin(self) -> str:
        """What can be traced: "user/name@commit" of the Hub, or the name of the folder."""
        return self.name if self.hub_id is None else f"{self.hub_id.repo_id}@{self.commit}"

    def fetch(self, patterns: Sequence[str]) -> None:
        """Also fetch files like these, such as "*.png"; those of the Hub that cannot be had are done without."""
        if self.hub_id is not None and self.note is None:
            with suppress(ModelError):
                fetch_model(HubId(self.hub_id.repo_id, self.commit), extra=patterns)


def find_model(text: str, revision: str | None = None, check: Callable[[Path], object] | None = None) -> ModelFiles:
    """Find a model by its folder or by "user/name@revision". A folder of that name comes first.

    Args:
        revision: branch, tag or commit on the Hub, where `text` has none.
        check: looks at the folder before its weights are fetched, and raises if they are not worth it.

    Raises:
        UsageError: the revision is given twice, or for a folder.
        ModelError: neither a folder nor a model that the Hub gives out.
    """
    folder = Path(text).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise UsageError(f"revision is {revision!r}, but {text} is a folder here, which has none")
        return ModelFiles(folder.resolve().name, folder)
    if folder.exists():
        raise ModelError(f"{text} is a file; give the model's folder ({folder.parent})")
    hub_id = parse_hub_id(text)
    if hub_id is None:
        raise ModelError(f"{text}: there is no such folder")
    if revision is not None:
        if hub_id.revision not in (None, revision):
            raise UsageError(f"revision is {revision!r}, but {text} names another one; give one of them")
        hub_id = parse_hub_id(f"{hub_id.repo_id}@{revision}")
        if hub_id is None:
            raise UsageError(f"revision is {revision!r}; it must be a branch, a tag or a commit")
    return fetch_model(hub_id, check)


def fetch_model(hub_id: HubId, check: Callable[[Path], object] | None = None, extra: Sequence[str] = ()) -> ModelFiles:
    """Bring a model of the Hub into the cache, as far as it is not there. Without the Hub the cached commit is taken.

    Args:
        check: as of `find_model`.
        extra: patterns of further files.

    Raises:
        ModelError: the Hub does not give it out or cannot be reached, it is no model of transformers, or the cache
            cannot hold it; one line says which.
    """
    from huggingface_hub import constants

    from audiocls.hub.calls import HUB_FAILURES, is_refusal

    held = _held(hub_id)
    if held is not None and (constants.is_offline_mode() or (hub_id.revision == held.commit and not extra)):
        return held
    try:
        with quiet_hub():
            info = _info(hub_id, None if held is None else _PATIENCE_WITH_CACHE_SECONDS)
    except HUB_FAILURES as error:
        if held is None or is_refusal(error):
            raise ModelError(_reason(error, hub_id)) from None
        told = hub_reason(error, hub_id.repo_id).partition(": ")[2]
        note = f"{told}; using {hub_id} as the cache has it, at {str(held.commit)[:7]}"
        return replace(held, note=note)
    return _fetch(hub_id, info, check, extra, held is not None and held.commit == info.sha)


def _fetch(
    hub_id: HubId, info: Any, check: Callable[[Path], object] | None, extra: Sequence[str], is_known: bool
) -> ModelFiles:
    from huggingface_hub import HfApi

    from audiocls.hub.calls import HUB_FAILURES

    listed = {each.rfilename: each for each in info.siblings or [] if _PLAIN_NAME.fullmatch(each.rfilename)}
    small = [name for name in listed if _matches(name, _SMALL)]
    small += [name for name in listed if name not in small and _matches(name, extra) and not _is_huge(listed[name])]
    _check_listing(hub_id, info, listed, small)
    weights = weight_files(listed)
    needed = 0
    try:
        with quiet_hub():
            bring(hub_id, info.sha, [listed[name] for name in small])
            folder = Path(str(cached(hub_id, "config.json", info.sha))).parent
            if check is not None:
                check(folder)
            if not weights:
                others = ", ".join(sorted(set(listed) - set(small) - {".gitattributes"})[:3])
                raise ModelError(
                    f"{hub_id} has no weights that transformers reads (model.safetensors)"
                    + (f"; it has {others}" if others else "")
                )
            parts = [listed[name] for name in weights]
            needed = sum(each.size or 0 for each in parts if not is_whole(hub_id, info.sha, each))
            check_room(hub_id, folder, needed)
            bring(hub_id, info.sha, parts, in_turn=True)
            if not is_known:  # last of all: what is found by a branch or tag without the network shall be complete
                HfApi().resolve_revision(hub_id.repo_id, revision=hub_id.revision)
    except HUB_FAILURES as error:
        raise ModelError(hub_reason(error, hub_id.repo_id, hub_id.revision, needed_bytes=needed)) from None
    return ModelFiles(str(hub_id), folder, hub_id, info.sha)


def weight_files(names: Iterable[str]) -> list[str]:
    """Of the files of a model those that hold its weights, in the format that transformers takes first."""
    names = sorted(names)
    for single, parts in _FORMATS:
        found = [single] if single in names else []
        if not found and f"{single}.index.json" in names:
            found = [name for name in names if fnmatch.fnmatchcase(name, parts)]
        if found:
            return found + [REJECTION_FILE] * (REJECTION_FILE in names)
    return []


def _held(hub_id: HubId) -> ModelFiles | None:
    """The commit that a revision stood for when it was last fetched, if all of it is in the cache."""
    found = cached(hub_id, "config.json", hub_id.revision)
    if found is None:
        return None
    folder = found.parent
    names = {path.name for path in folder.iterdir() if path.is_file()}
    weights = weight_files(names)
    index = folder / f"{_FORMATS[weights[0].startswith('pytorch')][0] if weights else ''}.index.json"
    with suppress(OSError, ValueError, AttributeError):
        if weights and index.is_file() and weights[0] + ".index.json" != index.name:
            weights = weights if set(json.loads(index.read_bytes())["weight_map"].values()) <= names else []
    return ModelFiles(str(hub_id), folder, hub_id, folder.name) if weights else None


def _info(hub_id: HubId, patience_seconds: float | None) -> Any:
    """What the Hub tells of a model and its files; asked once if the cache can do instead."""
    from huggingface_hub import HfApi

    from audiocls.hub.calls import HUB_FAILURES, patiently

    def ask() -> Any:
        try:
            info = HfApi().model_info(
                hub_id.repo_id,
                revision=hub_id.revision,
                files_metadata=True,
                timeout=patience_seconds or _PATIENCE_SECONDS,
            )
        except HUB_FAILURES as error:
            if "ConnectError" in {kind.__name__ for kind in type(error).__mro__}:
                raise ConnectionError from error  # there is no network: waiting is no help
            raise
        if not _COMMIT.fullmatch(info.sha or ""):
            raise ModelError(f"{hub_id}: what answers is not the Hub; see HF_ENDPOINT")
        return info

    return patiently(ask) if patience_seconds is None else ask()


def _check_listing(hub_id: HubId, info: Any, listed: dict[str, Any], small: Sequence[str]) -> None:
    """Whether it looks like a model of transformers at all, by the names and sizes of its files."""
    if "config.json" not in listed:
        if not set(listed) - {".gitattributes", "README.md"}:
            raise ModelError(f"{hub_id} is empty on the Hub")
        library = getattr(info, "library_name", None)
        raise ModelError(
            f"{hub_id} is no model of transformers: it has no config.json"
            + (f" (it is made for {library})" if library and library != "transformers" else "")
        )
    for name in small:
        if _is_huge(listed[name]):
            raise ModelError(f"{hub_id}: its {name} has {size(listed[name].size)}, which no such file has")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _is_huge(file: Any) -> bool:
    return (file.size or 0) > _LARGEST_SMALL_BYTES


def _reason(error: BaseException, hub_id: HubId) -> str:
    told = hub_reason(error, hub_id.repo_id, hub_id.revision)
    return f"{hub_id}: no such folder here, and {told}" if told.startswith("there is no") else told
