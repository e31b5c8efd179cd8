"""`tune`: search the settings of one kind of model by cross-validation, then train the best into a model folder."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash
from accelerate import Accelerator
from filelock import FileLock
from optuna.trial import TrialState
from tqdm import tqdm

from audiocls.comparison.folds import learning_clips, make_folds
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.data.store import cache_folder
from audiocls.errors import DataError, UsageError
from audiocls.evaluation.evaluation import METRICS_JSON
from audiocls.evaluation.plots import save_png
from audiocls.experiment import train
from audiocls.kinds import prepared
from audiocls.model_folder import RunFolder, default_output_dir, explained, run_name
from audiocls.scoring import report_data
from audiocls.training.run import Run
from audiocls.tuning.gain import compared, gain
from audiocls.tuning.plots import importance_figure, parallel_coordinates_figure
from audiocls.tuning.pruning import make_pruner
from audiocls.tuning.report import (
    TRIALS_FILE,
    TrialRow,
    card_section,
    gain_sentences,
    importances,
    summary,
    trial_rows,
    write_trials,
)
from audiocls.tuning.space import DEFAULT, SEARCHES, Space, grid_size, read_space, shown_settings
from audiocls.tuning.study import STUDY_NAME, explained_storage, open_study, purpose, quiet_optuna, storage_url
from audiocls.tuning.trials import ANSWERS, Search, best_trial
from audiocls.tuning.turns import Tally, TurnSampler
from audiocls.whole_files import write_text

DEFAULT_TRIALS = 20
SUMMARY_FILE = "tuning.json"
PARALLEL_COORDINATES = "parallel_coordinates.png"
IMPORTANCE = "importance.png"


@dataclass(frozen=True)
class TuningResult:
    """What `tune` returns.

    output_dir: the finished model folder. config: its settings, the best found. metrics: of its test part (else of its
    validation part), None without either. rows: the finished trials. summary: the search in plain values.
    storage: where the study is kept.
    """

    output_dir: Path
    config: TrainConfig
    metrics: dict[str, Any] | None
    rows: list[TrialRow]
    summary: dict[str, Any]
    storage: str


def tune(
    data: str | Path,
    config: TrainConfig | None = None,
    *,
    search: str = "tpe",
    trials: int | None = None,
    folds: int = 5,
    space: str | Path | Mapping[str, Any] = DEFAULT,
    storage: str | None = None,
    output_dir: str | Path | None = None,
    pruning: bool | None = None,
    study: str = STUDY_NAME,
    overwrite: bool = False,
    verbose: bool = False,
) -> TuningResult:
    """Search for the best settings on the training part, then train with them and score once on the test part.

    Every trial is cross-validated on the same grouped folds of the training part (and the validation part, if any);
    what is maximised is the mean over the folds of balanced accuracy, or of macro F1 for several labels a clip.
    A second call with the same study goes on until there are `trials` in all; calls at the same time share the work.

    Args:
        data: as for `audiocls.experiment.train`.
        config: the kind of model and the settings that stay.
        search: "grid" (every combination once), "random" (independent draws) or "tpe" (guided by earlier trials).
        trials: how many in all; the whole grid, or 20, unless given.
        folds: of the cross-validation.
        space: as for `audiocls.tuning.space.read_space`.
        storage: a database URL or the path of an SQLite file; `<output_dir>.study.db` unless given.
        output_dir: the model folder to write; `runs/<name of the data>` unless given.
        pruning: give up on trials that fall behind after two folds; on unless the search is a grid.
        study: name of the study within the storage.
        overwrite: replace `output_dir` if it exists. The study is kept.
        verbose: print what is going on, with progress bars.

    Raises:
        UsageError: a wrong argument, space or storage, or a study that is about something else.
        DataError: the data cannot be used or divided, or no trial could be scored.
        ModelError: a pretrained model is missing.
        OutputError: the study or the folder cannot be written.
    """
    config = prepared(config or TrainConfig())
    _check_arguments(config, search, trials)
    dimensions = read_space(space, config, search)
    accelerator = Accelerator(mixed_precision=config.mixed_precision)
    if accelerator.num_processes > 1:
        raise UsageError("tune runs in one process; start the same command several times to share a study")
    if output_dir:
        _check_free(Path(output_dir), overwrite)
    say: Callable[[str], None] = tqdm.write if verbose else lambda _: None
    audio = load_audio_data(str(data), config)
    report_data(audio, say)
    fold_of = make_folds(audio, folds, config.seed)
    final = Path(output_dir) if output_dir else default_output_dir(audio.name)
    # Without a name of its own the study must be found again when the folder of an earlier run is there.
    base = final if output_dir else final.parent / f"{run_name(audio.name)}-{config.kind}"
    url = storage_url(storage or f"{base}.study.db")
    limit = _limit(dimensions, search, trials, say)
    earlier = _inode(final)

    with quiet_optuna():
        about = purpose(config, learning_clips(audio), fold_of, audio.name, search, dimensions)
        sampler, pruner = TurnSampler(search, dimensions, config.seed), make_pruner(search, pruning)
        opened = open_study(url, sampler, pruner, about, study)
        with explained_storage(url):
            found = Search(
                str(data), audio, fold_of, config, dimensions, limit, Run(accelerator, say=say), opened, verbose
            )
            before = len(found.tally().finished)
            if not before:
                RunFolder(final, overwrite=overwrite)  # an interrupted training of other making is not forgotten
            done = f"; {before} are done" if before else ""
            say(f"{search} search over {', '.join(dimensions)}: {limit} trials of {folds} folds{done}. Study: {url}")
            try:
                tally = found.run_all()
                rows, gained = _compared(found, tally)
            except KeyboardInterrupt:
                done = f"{len(found.tally().finished)} of {limit}"
                say(f"\nstopped after {done} trials; the same command goes on from there")
                raise
            shares = importances(opened, dimensions, config.seed)
    found_summary = summary(tally, dimensions, search, folds, found.score, shares, gained)
    return _refit(found, tally, rows, found_summary, final, earlier, url)


def _check_arguments(config: TrainConfig, search: str, trials: int | None) -> None:
    if config.kind == "auto":
        raise UsageError("model is auto, which chooses by itself; name the kind to tune with --model")
    if search not in SEARCHES:
        raise UsageError(f"search is {search!r}; choose one of {', '.join(SEARCHES)}")
    if trials is not None and trials < 1:
        raise UsageError(f"trials is {trials}; at least 1 is needed")


def _check_free(final: Path, overwrite: bool) -> None:
    if final.exists() and not overwrite:
        raise UsageError(f"{final} exists; choose another --output_dir, or pass --overwrite to replace it")


def _limit(space: Space, search: str, trials: int | None, say: Callable[[str], None]) -> int:
    """How many trials there are to be in all."""
    if search != "grid":
        return trials or DEFAULT_TRIALS
    size = grid_size(space)
    if trials is not None and trials < size:
        say(f"the grid has {size} combinations; {trials} of them are tried, because of --trials {trials}")
    return min(trials or size, size)


def _compared(found: Search, tally: Tally) -> tuple[list[TrialRow], dict[str, Any] | str]:
    """The finished trials, and what the best of them gained over the settings as they were, or why that is unknown."""
    rows = trial_rows(tally)
    if best_trial(tally) is None:
        raise DataError(f"none of the {len(rows)} trials could be scored; the first: {rows[0].reason}")
    answers = {
        turn + 1: found.answers_of(trial.user_attrs[ANSWERS])
        for turn, trial in tally.finished.items()
        if trial.state == TrialState.COMPLETE and ANSWERS in trial.user_attrs
    }
    if any(row.state == "complete" and row.number not in answers for row in rows):
        return rows, "Not all trials kept their answers, so they cannot be compared with the settings as they were."
    start = found.start()
    if isinstance(start, str):
        return rows, start
    rows = compared(rows, answers, start, found.bootstrap, found.score)
    return rows, gain(rows, answers, start, found.bootstrap, found.score)


def _refit(
    found: Search,
    tally: Tally,
    rows: list[TrialRow],
    found_summary: dict[str, Any],
    final: Path,
    earlier: int | None,
    url: str,
) -> TuningResult:
    """Train the best settings into the model folder, with the report of the search inside.

    earlier: the folder of that name when the search began, which may be replaced; another one is a fellow's work.
    """
    best = best_trial(tally)
    assert best is not None  # `_compared` has seen to it
    shares = found_summary["importance"]
    best_config = found.config.replaced(**best[1].params)
    found.run.say(f"\nbest: trial {best[0] + 1}, {found.told(best[1])}: {shown_settings(best[1].params)}")
    for sentence in gain_sentences(found_summary):
        found.run.say(sentence)

    def add_files(folder: Path) -> None:
        write_trials(rows, found.space, found.num_folds, folder / TRIALS_FILE)
        title = found.score.replace("_", " ")
        save_png(parallel_coordinates_figure(rows, found.space, title), folder / PARALLEL_COORDINATES)
        if shares:
            save_png(importance_figure(shares, title), folder / IMPORTANCE)
        write_text(folder / SUMMARY_FILE, json.dumps(found_summary, indent=2, ensure_ascii=False) + "\n")
        card = folder / "README.md"
        with explained(card):
            text = card.read_text(encoding="utf-8")
        pictures = [PARALLEL_COORDINATES, *([IMPORTANCE] if shares else [])]
        write_text(card, f"{text.rstrip()}\n\n{card_section(found_summary, pictures)}")

    with FileLock(_lock_file(final)):
        now = _inode(final)
        if now is not None and now != earlier:
            found.run.say(f"{final} was written by another process of this study")
            written = final / METRICS_JSON
            metrics = json.loads(written.read_text(encoding="utf-8")) if written.exists() else None
        else:
            try:
                # What an interrupted training of the best settings left is forgotten: by now others may be best.
                metrics = train(
                    found.source, final, best_config, overwrite=True, verbose=found.progress_bar, add_files=add_files
                ).metrics
            except KeyboardInterrupt:
                found.run.say("the trials are kept; the same command trains with the best settings again")
                raise
    return TuningResult(final, best_config, metrics, rows, found_summary, url)


def _inode(path: Path) -> int | None:
    """What tells one folder from another of the same name."""
    return path.stat().st_ino if path.exists() else None


def _lock_file(final: Path) -> Path:
    """Held while the model folder is written, by one process of this machine."""
    folder = cache_folder() / "locks"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{xxhash.xxh3_64_hexdigest(str(final.resolve()).encode())}.lock"
