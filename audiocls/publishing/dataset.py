"""Labelled sounds as a data set on the Hub: the files as they are, in parquet, with a card; one commit."""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from audiocls.card.model_card import README
from audiocls.config import TrainConfig
from audiocls.data.attribution import attribution_table, attribution_text
from audiocls.data.listing import Skipped, some
from audiocls.data.sources import find_source
from audiocls.errors import DataError, ModelError, OutputError
from audiocls.publishing.changes import Commit
from audiocls.publishing.dataset_card import DataSetFacts, dataset_card
from audiocls.publishing.labelled_sounds import Sound, labelled_sounds
from audiocls.publishing.login import login
from audiocls.publishing.repository import Repository
from audiocls.publishing.secrets_scan import check_no_secrets
from audiocls.publishing.shards import Split, write_splits
from audiocls.text_layout import size

_COMPANION = re.compile(r"(ATTRIBUTION\.csv|(LICEN[CS]E|COPYING)(\.\w+)?)", re.IGNORECASE)
_SHARD = re.compile(r"data/(train|validation|test)-\d{5}-of-\d{5}\.parquet")


def push_dataset(
    source: str | Path,
    repo_id: str,
    *,
    token: str | None = None,
    private: bool = False,
    license: str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    label_regex: str | None = None,
    group_regex: str | None = None,
    group_table: str | Path | None = None,
    num_workers: int = 0,
    say: Callable[[str], None] | None = None,
    verbose: bool = False,
) -> Commit | None:
    """Publish labelled sounds, so that training on the Hub's data set is training on this folder.

    Sounds are found as for training, with the same labels, parts and groups. What cannot be read is left out and told.

    Args:
        source: a folder, a zip or another data set of the Hub.
        repo_id: "user/name", or a name for one of your own.
        token: of the Hub; that of `hf auth login` or HF_TOKEN unless given.
        private: a new data set is seen by its owner only.
        license: as the Hub names it; unless given, what ATTRIBUTION.csv says of the sounds.
        revision: branch to write to, made if it is not there.
        create_pr: open a pull request and change nothing else.
        label_regex, group_regex, group_table: as the settings of these names.
        num_workers: threads that decode; 0 means one per core.
        say: is told what happens, line by line.
        verbose: show the progress of the upload.

    Returns:
        The commit; None when everything was there already.

    Raises:
        DataError: nothing to publish, or a name that tells of this machine.
        HubError: the Hub refuses or cannot be reached; nothing was changed, or the line says what was.
        ModelError: the metadata of the card on the Hub was edited and cannot be read.
        OutputError: there is no room for the parquet files.
        UsageError: an expression or table is wrong.
    """
    tell = say or (lambda line: None)
    config = TrainConfig(
        group_regex=group_regex, group_table=None if group_table is None else str(group_table), num_workers=num_workers
    )
    listing = find_source(str(source), label_regex)
    sounds, left_out = labelled_sounds(listing, config)
    for line in listing.warnings:
        tell(line)
    _tell_left_out([*listing.skipped, *left_out], tell)
    companions = _companions(listing.root)
    user = login(repo_id, token, create_pr=create_pr)
    repository = Repository(
        user.repo_id,
        "dataset",
        token=user.token,
        revision=revision,
        create_pr=create_pr,
        private=private,
        verbose=verbose,
    )
    folder = Path(source) if listing.root is None else listing.root
    with _working_folder() as written:
        splits, features = write_splits(sounds, listing.multi_label, written)
        facts = DataSetFacts(
            repo_id=user.repo_id,
            sounds=sounds,
            splits=splits,
            features=features,
            license=license,
            attribution=listing.attribution or attribution_text(listing.root),
            companions=list(companions),
        )
        shards = {path: file for split in splits for path, file in split.files.items()}
        _check_private_things(sounds, shards, companions, folder, user.token)
        card = dataset_card(facts, repository.text(README))
        plan = repository.plan(
            {**shards, **companions, README: card.encode()}, lambda path: _SHARD.fullmatch(path) is not None
        )
        if not plan.changes:
            tell(f"{repository.url} has all of it already")
            return None
        tell(f"{_told(splits)} to {repository.url}: {size(plan.total_bytes)} to upload")
        return repository.commit(plan, f"{len(sounds)} labelled sounds")


def _told(splits: Sequence[Split]) -> str:
    return ", ".join(f"{split.num_rows:,} sounds for {split.name}" for split in splits)


def _tell_left_out(left_out: Sequence[Skipped], tell: Callable[[str], None]) -> None:
    if left_out:
        told = some([f"{skipped.file} ({skipped.reason})" for skipped in left_out])
        tell(f"{len(left_out)} {'file is' if len(left_out) == 1 else 'files are'} left out: {told}")


@contextmanager
def _working_folder() -> Iterator[Path]:
    """A folder for the parquet files, which are as large as all sounds together."""
    try:
        with tempfile.TemporaryDirectory(prefix="audiocls-") as folder:
            yield Path(folder)
    except OSError as error:
        raise OutputError(
            f"the parquet files, as large as all sounds together, cannot be written: {error.strerror or error}; "
            "free some room, or set TMPDIR to a folder that has it"
        ) from error


def _companions(root: Path | None) -> dict[str, Path]:
    """What tells of licences and origins beside the sounds, by its name."""
    if root is None:
        return {}
    table = attribution_table(root)
    found = sorted(path for path in root.iterdir() if path.is_file() and _COMPANION.fullmatch(path.name))
    return {path.name: path for path in found if path != table} | ({table.name: table} if table else {})


def _check_private_things(
    sounds: Sequence[Sound], shards: dict[str, Path], companions: dict[str, Path], folder: Path, token: str
) -> None:
    """Raises: DataError when a name, a table or a sound tells of folders of this machine, or holds a token."""
    texts = "\n".join(
        text for sound in sounds for text in (sound.file, *sound.labels, sound.group or "", *sound.origin.values())
    )
    try:
        check_no_secrets({"the names of files, labels and groups": texts.encode()}, folder, [token])
        check_no_secrets(companions, folder, [token])
        try:
            check_no_secrets(shards, folder, [token])
        except ModelError:
            for sound in sounds:  # which one it is
                check_no_secrets({sound.file: sound.read()}, folder, [token])
            raise
    except ModelError as error:
        raise DataError(str(error)) from None
