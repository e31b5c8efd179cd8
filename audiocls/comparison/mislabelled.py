"""Looking for likely wrong labels in all of a data set, by cross-validation of a cheap kind of model.

What is made of the probabilities is in `audiocls.mistakes.suspects`.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from audiocls.comparison.budget import spread
from audiocls.comparison.cross_validation import cross_validate
from audiocls.comparison.folds import group_numbers, make_folds
from audiocls.config import TrainConfig, settings
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.data.listing import some
from audiocls.data.splits import groups_per_class
from audiocls.errors import DataError
from audiocls.kind_names import TREE_KINDS
from audiocls.kinds import fit_kind, prepared
from audiocls.mistakes.suspects import Suspects, find_suspects
from audiocls.model_folder import is_model_folder
from audiocls.pretrained.weights import default_folder
from audiocls.training.batches import soft_targets
from audiocls.training.run import HeldOut, Run

PROBE = "whisper-tiny.en"
CHEAP_KINDS = ("probe", "forest", "boosting")  # that judge clips they have not learnt while they are trained
FOLDS = 5
MOST_CLIPS = 2000  # listening to more of them would take minutes


def suspects_in(source: str, config: TrainConfig, run: Run, most_clips: int = MOST_CLIPS) -> Suspects:
    """Likely wrong labels in all parts of a data source.

    Args:
        source: a folder, a zip or a Hub data set id.
        config: how the data is read (the settings of the group "data"), the seed, and the model's kind: if it is a
            cheap one, it is one of the judges.
        run: its accelerator is used, and it is told how it goes.
        most_clips: see `likely_mislabelled`.

    Raises:
        DataError, OutputError, UsageError: as `load_audio_data` and `likely_mislabelled`.
        ModelError: a pretrained model cannot be used.
    """
    chosen = judges(config)
    audio = load_audio_data(source, chosen[0].replaced(test_size=0.0, validation_size=0.0, allow_leaks=True))
    return likely_mislabelled(audio, chosen, run, most_clips)


def judges(config: TrainConfig) -> list[TrainConfig]:
    """The models that judge labels, cheap and of two ways of hearing: a probe and a forest, at one sampling rate.

    The model's own kind takes the place of the probe if it is cheap; without weights at hand there is the forest alone.
    Together they found more of known wrong labels than either (docs/experiments.md).

    Raises:
        ModelError: the pretrained model of `config` is missing.
    """
    data = {
        name: getattr(config, name)
        for name, spec in settings().items()
        if spec.metadata["group"] == "data" or name == "seed"
    }
    if config.kind in CHEAP_KINDS:
        first = prepared(config)
    elif is_model_folder(default_folder(PROBE)):
        first = prepared(TrainConfig(model=f"probe:{PROBE}", **data))
    else:
        first = TrainConfig(model="forest", **data)
    if first.kind in TREE_KINDS:
        return [first]
    return [first, TrainConfig(model="forest", sampling_rate=first.sampling_rate, **data)]


def likely_mislabelled(
    audio: AudioData, chosen: Sequence[TrainConfig], run: Run, most_clips: int = MOST_CLIPS
) -> Suspects:
    """Clips that models which had not learnt them, or others of their group, would have labelled otherwise.

    All parts of the data are looked at. Clips of a class whose clips are all of one group cannot be judged, as no
    model could learn that class from others; they are left out and the class is named in `Suspects.origin`.

    Args:
        audio: at the sampling rate of the judges.
        chosen: the kinds to cross-validate, see `judges`; their probabilities are averaged.
        run: how it goes.
        most_clips: of larger data so many are drawn, in the shares of their classes.

    Raises:
        DataError: there are not two classes that can be judged.
        AudioclsError: as `audiocls.kinds.fit_kind`.
    """
    clips, held_out = judged(audio, chosen, run, most_clips)
    return find_suspects(clips, audio.labels, held_out)


def judged(audio: AudioData, chosen: Sequence[TrainConfig], run: Run, most_clips: int) -> tuple[Clips, HeldOut]:
    """The clips that could be judged, and what the judges said of them; arguments and errors as above."""
    clips = audio.train.followed_by(audio.validation).followed_by(audio.test)
    total = len(clips)
    if len(set(clips.groups)) == 1:  # one speaker for all: no group tells anything
        clips = _without_groups(clips)
    if total > most_clips:
        clips = clips.subset(spread(clips, most_clips))
    clips, lost = _judgeable(clips, audio)
    audio = dataclasses.replace(audio, train=clips, validation=clips.subset([]), test=clips.subset([]))
    scores = np.mean([_held_out_scores(config, audio, run) for config in chosen], axis=0)
    told = f"{' and '.join(config.model for config in chosen)} on {len(clips)} clips"
    told += f" drawn from {total}" if total > most_clips else ""
    told += ", each clip by models that had not learnt it or others of its group"
    told += f"; not judged, because all its clips are of one group: {some(lost)}" if lost else ""
    return clips, HeldOut(scores, clips.targets, clips.groups, told)


def _held_out_scores(config: TrainConfig, audio: AudioData, run: Run) -> np.ndarray:
    """Probabilities of all training clips, from models that had not learnt them: of one fit if it makes them anyway."""
    clips = audio.train
    run.say(f"looking for wrong labels: {config.model} on {len(clips)} clips")
    if config.kind in CHEAP_KINDS:
        held_out = fit_kind(config, audio, Run(run.accelerator, curves=True)).held_out
        run.accelerator.free_memory()
        if held_out is not None and np.array_equal(held_out.targets, clips.targets):
            return held_out.scores
    return cross_validate(config, audio, make_folds(audio, FOLDS, config.seed), run).scores


def _judgeable(clips: Clips, audio: AudioData) -> tuple[Clips, list[str]]:
    """The clips of classes that lie in two groups at least, and the names of the other classes."""
    has = soft_targets(clips, len(audio.labels)) > 0.5
    several = groups_per_class(has, group_numbers(clips)) >= 2
    lost = [label for label, fine in zip(audio.labels, several, strict=True) if not fine]
    if audio.multi_label:  # every label is a question of its own: one without an answer gives no suspects
        return clips, []
    if several.sum() < 2:
        raise DataError(
            f"{audio.name}: wrong labels cannot be looked for, as fewer than two classes have clips of two groups"
        )
    return clips.subset(np.flatnonzero(has[:, several].any(axis=1))), lost


def _without_groups(clips: Clips) -> Clips:
    alone = clips.subset(range(len(clips)))
    alone.groups = [None] * len(clips)
    return alone
