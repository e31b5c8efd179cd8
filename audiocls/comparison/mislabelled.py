"""Looking for likely wrong labels in all of a data set, by cross-validation of a cheap kind of model.

What is made of the probabilities is in `audiocls.mistakes.suspects`.
"""

import dataclasses

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
            cheap one, it is used for this, too.
        run: says nothing but for its accelerator and `say`.
        most_clips: see `likely_mislabelled`.

    Raises:
        DataError, OutputError, UsageError: as `load_audio_data` and `likely_mislabelled`.
        ModelError: a pretrained model cannot be used.
    """
    cheap = cheap_config(config)
    audio = load_audio_data(source, cheap.replaced(test_size=0.0, validation_size=0.0, allow_leaks=True))
    return likely_mislabelled(audio, cheap, run, most_clips)


def cheap_config(config: TrainConfig) -> TrainConfig:
    """The settings of the model that judges labels: of this kind if that is cheap, else a probe or a forest.

    Raises:
        ModelError: the pretrained model of `config` is missing.
    """
    if config.kind in CHEAP_KINDS:
        return prepared(config)
    kept = {
        name: getattr(config, name)
        for name, spec in settings().items()
        if spec.metadata["group"] == "data" or name == "seed"
    }
    has_weights = is_model_folder(default_folder(PROBE))
    return prepared(TrainConfig(model=f"probe:{PROBE}" if has_weights else "forest", **kept))


def likely_mislabelled(audio: AudioData, config: TrainConfig, run: Run, most_clips: int = MOST_CLIPS) -> Suspects:
    """Clips that models which had not learnt them, or others of their group, would have labelled otherwise.

    All parts of the data are looked at. Clips of a class whose clips are all of one group cannot be judged, as no
    model could learn that class from others; they are left out and the class is named in `Suspects.origin`.

    Args:
        audio: at `config.sampling_rate`.
        config: of the kind to cross-validate, such as `cheap_config` gives.
        run: how it goes.
        most_clips: of larger data so many are drawn, in the shares of their classes.

    Raises:
        DataError: there are not two classes that can be judged.
        AudioclsError: as `audiocls.kinds.fit_kind`.
    """
    clips = audio.train.followed_by(audio.validation).followed_by(audio.test)
    total = len(clips)
    if len(set(clips.groups)) == 1:  # one speaker for all: no group tells anything
        clips = _without_groups(clips)
    if total > most_clips:
        clips = clips.subset(np.unique(spread(clips, most_clips)))
    clips, lost = _judgeable(clips, audio)
    audio = dataclasses.replace(audio, train=clips, validation=clips.subset([]), test=clips.subset([]))
    fitted = fit_kind(config, audio, dataclasses.replace(run, checkpoint=None, resume=False, curves=True))
    run.accelerator.free_memory()
    held_out = fitted.held_out
    if held_out is None or len(held_out.scores) != len(clips):
        scores = cross_validate(config, audio, make_folds(audio, FOLDS, config.seed), run).scores
        held_out = HeldOut(scores, clips.targets, clips.groups, f"{FOLDS} grouped folds")
    told = f"{config.model}, trained on {len(clips)} clips"
    told += f" drawn from {total}" if total > most_clips else ""
    told += f", each judged by a model that had not learnt it or others of its group ({held_out.origin})"
    if lost:
        told += f"; not judged, because all its clips are of one group: {some(lost)}"
    return find_suspects(clips, audio.labels, dataclasses.replace(held_out, origin=told))


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
