"""A study in a storage that any number of processes may share: opened, and checked to be about the same question."""

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import xxhash
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from audiocls.config import TrainConfig
from audiocls.data.clips import Clips
from audiocls.errors import OutputError, UsageError
from audiocls.tuning.space import Space, plain_space
from audiocls.tuning.turns import repeat

STUDY_NAME = "audiocls"
PURPOSE = "purpose"  # the study's attribute that says what it is about
HEARTBEAT_SECONDS = 15  # how often a process says that its trial lives
GRACE_SECONDS = 60  # without a heartbeat for this long a trial is taken over
SQLITE_TIMEOUT_SECONDS = 60
OPENING_ATTEMPTS = 5
_MACHINE_SETTINGS = ("num_workers", "strict", "mixed_precision", "budget_minutes")


def purpose(
    config: TrainConfig, clips: Clips, folds: np.ndarray, data_name: str, search: str, space: Space
) -> dict[str, Any]:
    """What a study is about, as JSON holds it: two processes may share a study when theirs are equal."""
    fixed = {name: value for name, value in config.to_dict().items() if name not in (*space, *_MACHINE_SETTINGS)}
    fixed = {name: list(value) if isinstance(value, tuple) else value for name, value in fixed.items()}
    return {
        "data": data_name,
        "fingerprint": fingerprint(clips, folds),
        "model": fixed.pop("model"),
        "search": search,
        "folds": int(folds.max()) + 1,
        "space": plain_space(space),
        "settings": {name: value for name, value in fixed.items() if value is not None},
    }


def fingerprint(clips: Clips, folds: np.ndarray) -> str:
    """Hash of the clips that a search learns from: files, contents, labels and folds, whatever their order."""
    rows = sorted(
        f"{file}\0{content}\0{np.asarray(target).tolist()}\0{fold}"
        for file, content, target, fold in zip(clips.files, clips.contents, clips.targets, folds, strict=True)
    )
    return xxhash.xxh3_128("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def storage_url(storage: str) -> str:
    """A storage as SQLAlchemy names it; what is no URL is the path of an SQLite file.

    Raises:
        UsageError: nothing would be kept.
    """
    url = storage if "://" in storage else f"sqlite:///{storage}"
    if url in ("sqlite://", "sqlite:///") or ":memory:" in url:
        raise UsageError(f"--storage {storage} would keep nothing; name a file, such as sqlite:///runs/study.db")
    return url


def open_study(url: str, sampler: BaseSampler, pruner: BasePruner, about: dict[str, Any], name: str) -> optuna.Study:
    """The study of this name in the storage, made if need be.

    Raises:
        UsageError: no such kind of storage, or the study is about something else.
        OutputError: the storage cannot be reached or written.
    """
    if url.startswith("sqlite:///"):
        _make_parent(Path(url.removeprefix("sqlite:///").split("?")[0]))
    for attempt in range(OPENING_ATTEMPTS):
        try:
            study = optuna.create_study(
                storage=_storage(url),
                sampler=sampler,
                pruner=pruner,
                study_name=name,
                direction="maximize",
                load_if_exists=True,
            )
            break
        except (ImportError, ValueError) as error:
            raise UsageError(f"--storage {_without_password(url)} cannot be used: {_line(error)}") from error
        except (SQLAlchemyError, OptunaError, RuntimeError) as error:
            if _is_wrong_url(error):
                raise UsageError(
                    f"--storage {_without_password(url)} is no storage; write it as sqlite:///runs/study.db"
                ) from error
            # Two processes that make the same tables at once meet here; the second try finds them made.
            if attempt == OPENING_ATTEMPTS - 1:
                raise OutputError(f"{_without_password(url)}: the study cannot be opened: {_line(error)}") from error
            time.sleep(0.2 * (attempt + 1))
    with explained_storage(url):
        found = study.user_attrs.get(PURPOSE)
        if found is None and study.get_trials(deepcopy=False):
            raise UsageError(f"{_without_password(url)} holds a study of other making; choose another --storage")
        if found is None:
            study.set_user_attr(PURPOSE, about)
        else:
            _check_purpose(found, about, url)
    return study


def _storage(url: str) -> RDBStorage:
    # Several processes write in turn; the heartbeat tells trials of dead processes from slow ones.
    options = {"connect_args": {"timeout": SQLITE_TIMEOUT_SECONDS}} if url.startswith("sqlite") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=GRACE_SECONDS,
            heartbeat_stale_trial_callback=repeat,
        )


def _make_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: the study cannot be kept there: {error.strerror or error}") from error


def _check_purpose(found: dict[str, Any], wanted: dict[str, Any], url: str) -> None:
    where = f"{_without_password(url)} holds a study"
    way_out = "; choose another --storage"
    if found["fingerprint"] != wanted["fingerprint"] and found["folds"] == wanted["folds"]:
        other = "other data" if found["data"] == wanted["data"] else f"{found['data']}"
        raise UsageError(f"{where} of {other} (other clips, labels or division), not of {wanted['data']}{way_out}")
    for what in ("model", "search", "folds", "space"):
        if found[what] != wanted[what]:
            raise UsageError(f"{where} whose {what} is {_short(found[what])}, not {_short(wanted[what])}{way_out}")
    for name in sorted({*found["settings"], *wanted["settings"]}):
        one, other = (settings["settings"].get(name) for settings in (found, wanted))
        if one != other:
            raise UsageError(f"{where} with {name} = {one}, not {other}; give the same, or another --storage")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


@contextmanager
def explained_storage(url: str) -> Iterator[None]:
    """Turn a storage's failure into one line.

    Raises:
        OutputError: instead of the database's own errors.
    """
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ or error
        raise OutputError(f"{_without_password(url)}: the study cannot be read or written: {_line(cause)}") from error


def _is_wrong_url(error: Exception) -> bool:
    return type(error).__name__ in ("ArgumentError", "NoSuchModuleError")


def _line(error: BaseException) -> str:
    """The first line of a message, without SQLAlchemy's prefix and its link."""
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return re.sub(r"^\([\w.]+\) ", "", text)


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna says nothing of its own."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
