"""Running the trials of a study: draw settings, cross-validate them on the folds of all others, keep the scores."""

import contextlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import optuna
import torch
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState
from tqdm import tqdm

from audiocls.comparison.cross_validation import FoldScores, cross_validate
from audiocls.comparison.folds import learning_clips
from audiocls.comparison.resampling import Bootstrap
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.errors import DataError, UsageError
from audiocls.kinds import prepared
from audiocls.training.run import Run
from audiocls.tuning.answers import packed, unpacked
from audiocls.tuning.space import Space, shown_settings
from audiocls.tuning.study import GRACE_SECONDS
from audiocls.tuning.turns import REASON, Tally, draw, repeat, turns_of

FOLD_SCORES = "fold_scores"  # of a trial: its score on each fold that was run
ANSWERS = "answers"  # of a full trial: what it answered to every clip
START = "start_answers"  # of a study: what the settings as they were answered
POLL_SECONDS = 2.0


class _OverLimit(Exception):
    """Another process was first to begin the last turn; this one is left for a search with more trials."""


class _Impossible(Exception):
    """The drawn settings cannot be used together or on this data."""


_TOO_MUCH = (UsageError, DataError, MemoryError, torch.OutOfMemoryError)  # what settings can make impossible


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or "out of memory"


@dataclass
class Search:
    """All that the trials of one search share.

    source: the data as the user named it. folds: int (clips,) of `learning_clips(audio)`, the same for all trials.
    limit: trials in all. score: the name of what is maximised, a mean over folds.
    """

    source: str
    audio: AudioData
    folds: np.ndarray
    config: TrainConfig
    space: Space
    limit: int
    run: Run
    study: optuna.Study
    progress_bar: bool = False
    _at_rate: dict[int, tuple[AudioData, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._at_rate[self.audio.sampling_rate] = self.audio, self.folds

    @property
    def num_folds(self) -> int:
        return int(self.folds.max()) + 1

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """Draws of the clips, the same for every trial."""
        clips = learning_clips(self.audio)
        return Bootstrap(clips.targets, self.folds, clips.groups, len(self.audio.labels))

    @property
    def score(self) -> str:
        return "macro_f1" if self.audio.multi_label else "balanced_accuracy"

    def trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def tally(self) -> Tally:
        return Tally.of(self.trials(), self.limit)

    def run_all(self) -> Tally:
        """Run trials until the study has `limit` of them, sharing the work with any other process.

        Raises:
            KeyboardInterrupt: what is finished is kept; the interrupted trial will be run again.
            ModelError: a pretrained model is missing.
        """
        told_to_wait = False
        with tqdm(total=self.limit, unit="trial", disable=not self.progress_bar, dynamic_ncols=True) as bar:
            while True:
                _give_up_dead_trials(self.study)
                tally = self.tally()
                bar.update(len(tally.finished) - bar.n)
                if len(tally.finished) == self.limit:
                    return tally
                if len(tally.finished) + len(tally.running) + len(tally.lost) < self.limit:
                    self._run_one()
                    continue
                if tally.running and not told_to_wait:
                    others = "a trial" if len(tally.running) == 1 else f"{len(tally.running)} trials"
                    self.run.say(f"waiting for {others} of another process (taken over if it no longer lives)")
                    told_to_wait = True
                time.sleep(POLL_SECONDS)
                # Whoever sees a trial interrupted queues it again at once, unless killed in between.
                still_lost = self.tally().lost
                for turn in tally.lost.keys() & still_lost.keys():
                    repeat(self.study, still_lost[turn])

    def _run_one(self) -> None:
        begun: list[int] = []

        def objective(trial: Trial) -> float:
            begun.append(trial.number)
            return self._objective(trial)

        try:
            self.study.optimize(objective, n_trials=1, catch=(_OverLimit, _Impossible))
        except (UpdateFinishedTrialError, ValueError):
            # Another process took this trial for dead, perhaps because this machine slept, and will run it again.
            if not begun or self.trials()[begun[0]].state != TrialState.FAIL:
                raise
            return
        finally:
            if begun:
                self._after(begun[0])

    def _after(self, number: int) -> None:
        """Queue a trial again that was interrupted, and tell of one that was not."""
        trials = self.trials()
        turn = turns_of(trials)[number]
        if turn in Tally.of(trials, turn + 1).lost:
            repeat(self.study, trials[number])
        elif turn < self.limit:
            self.run.say(self.line(turn, trials[number], Tally.of(trials, self.limit)))

    def _objective(self, trial: Trial) -> float:
        trials = self.trials()
        if turns_of(trials)[trial.number] >= self.limit:
            raise _OverLimit
        chosen = draw(trial, self.space)
        scores: list[float] = []

        def note(score: float) -> None:
            scores.append(score)
            trial.set_user_attr(FOLD_SCORES, scores)
            trial.report(float(np.mean(scores)), step=len(scores))

        def on_fold(_: int, fold_scores: FoldScores) -> None:
            note(float(fold_scores[self.score]))
            if len(scores) < self.num_folds and trial.should_prune():
                raise optuna.TrialPruned

        for other in trials:
            if other.state == TrialState.COMPLETE and other.params == chosen:  # it would only give the same again
                for score in other.user_attrs[FOLD_SCORES]:
                    note(score)
                if ANSWERS in other.user_attrs:
                    trial.set_user_attr(ANSWERS, other.user_attrs[ANSWERS])
                return float(np.mean(scores))
        try:
            config = prepared(self.config.replaced(**chosen))
            answers = self._answers(config, on_fold)
        except _TOO_MUCH as error:
            trial.set_user_attr(REASON, _reason(error))
            raise _Impossible from error
        if answers is not None:
            trial.set_user_attr(ANSWERS, answers)
        return float(np.mean(scores))

    def _answers(self, config: TrainConfig, on_fold: Callable[[int, FoldScores], None] | None = None) -> str | None:
        """Cross-validate: the answers to `learning_clips(self.audio)`, packed."""
        audio, folds = self._data(config)
        result = cross_validate(config, audio, folds, self.run, on_fold)
        place = {file: index for index, file in enumerate(learning_clips(audio).files)}
        order = [place[file] for file in learning_clips(self.audio).files]
        return packed(result.scores[order], audio.multi_label)

    def answers_of(self, text: str) -> np.ndarray:
        """Scores (clips, labels) that stand for packed answers."""
        labels = len(self.audio.labels)
        return unpacked(text, len(self.folds), labels, self.audio.multi_label)

    def start(self) -> np.ndarray | str:
        """What the settings as they were, before the search, answer to all clips; or why that is not known.

        It is cross-validated once for a study, unless a trial happened to have these settings.
        """
        text = self.study.user_attrs.get(START)
        for trial in self.trials() if text is None else ():
            if trial.state == TrialState.COMPLETE and self.config.replaced(**trial.params) == self.config:
                text = trial.user_attrs.get(ANSWERS)
        if text is None:
            self.run.say("for comparison: the settings as they were, on the same folds")
            try:
                text = self._answers(self.config)
            except _TOO_MUCH as error:
                return f"The settings as they were cannot be compared: {_reason(error)}."
            if text is None:
                return "There are too many clips to keep the answers of every trial and compare them."
            self.study.set_user_attr(START, text)
        return self.answers_of(text)

    def _data(self, config: TrainConfig) -> tuple[AudioData, np.ndarray]:
        """The data and its folds at the sampling rate of a trial: the same clips in the same folds at every rate."""
        rate = config.sampling_rate
        if rate not in self._at_rate:
            audio = load_audio_data(self.source, self.config.replaced(sampling_rate=rate))
            fold_of = dict(zip(learning_clips(self.audio).files, self.folds.tolist(), strict=True))
            files = learning_clips(audio).files
            if set(files) != set(fold_of):
                raise DataError(f"at {rate} Hz other clips are usable or alike, so its folds would not be the same")
            self._at_rate[rate] = audio, np.array([fold_of[file] for file in files])
        return self._at_rate[rate]

    def told(self, trial: FrozenTrial) -> str:
        """The score of a trial that ran all its folds, with its interval where its answers are kept."""
        text = trial.user_attrs.get(ANSWERS)
        if text is None:
            return f"{trial.values[0]:.3f}"
        low, high = self.bootstrap.interval(self.bootstrap.draws(self.answers_of(text))[self.score])
        return f"{trial.values[0]:.3f} ({low:.3f} to {high:.3f})"

    def line(self, turn: int, trial: FrozenTrial, tally: Tally) -> str:
        """What is said of a trial when it ends."""
        scores = trial.user_attrs.get(FOLD_SCORES, [])
        if trial.state == TrialState.COMPLETE:
            what = f"{self.score.replace('_', ' ')} {self.told(trial)}"
        elif trial.state == TrialState.PRUNED:
            what = f"given up after {len(scores)} of {self.num_folds} folds at {np.mean(scores):.3f}"
        else:
            what = f"impossible: {trial.user_attrs.get(REASON)}"
        best = best_trial(tally)
        so_far = f"  (best {best[1].values[0]:.3f}, trial {best[0] + 1})" if best else ""
        return (
            f"trial {turn + 1:>3}/{self.limit}  {what}{so_far}  {shown_settings(trial.params)}  {seconds(trial):.1f} s"
        )


def best_trial(tally: Tally) -> tuple[int, FrozenTrial] | None:
    """Turn and trial of the highest score; the earlier of equal ones. None if no trial ran all its folds."""
    full = [(turn, trial) for turn, trial in tally.finished.items() if trial.state == TrialState.COMPLETE]
    return max(full, key=lambda pair: (pair[1].values[0], -pair[0]), default=None)


def seconds(trial: FrozenTrial) -> float:
    """How long a finished trial took."""
    return trial.duration.total_seconds() if trial.duration else 0.0


def _give_up_dead_trials(study: optuna.Study) -> None:
    """Put back in the queue what dead processes were running: trials without a heartbeat of late, or of any time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        age = (datetime.now() - trial.datetime_start).total_seconds() if trial.datetime_start else 0.0
        if not trial.params and age > GRACE_SECONDS:  # drawn at once by whoever lives; a kill before has no heartbeat
            with contextlib.suppress(ValueError, UpdateFinishedTrialError):  # a fellow was first
                study.tell(trial.number, state=TrialState.FAIL)
                repeat(study, trial)
