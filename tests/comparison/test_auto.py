"""auto: compares what fits into the time; trains the best, or a better average, on all but the test part."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison import auto, search
from audiocls.comparison.auto import choose
from audiocls.comparison.budget import Budget, Cost
from audiocls.comparison.candidates import Candidate, suitable
from audiocls.comparison.cross_validation import CrossValidated, fold_scores
from audiocls.comparison.folds import learning_clips
from audiocls.comparison.material import Material
from audiocls.comparison.search import OTHER_VOICES, number_of_folds
from audiocls.config import TrainConfig
from audiocls.errors import DataError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.models.modeling_ensemble import AudioClsEnsembleForAudioClassification
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Fitted, Run
from tests.small_models import small_model

CONFIG = TrainConfig(model="auto", num_workers=1, budget_minutes=1, validation_size=0.2)
KINDS = ("cnn", "cnn1d", "crnn")


@pytest.fixture(scope="module")
def material(everyday_sounds):
    return Material(str(everyday_sounds), CONFIG)


@pytest.fixture
def world(monkeypatch):
    """A world without training: `skill` of each kind (share of clips answered right), `seconds` of each of its fits.

    Kinds of the same `errors` err on the same clips.
    """
    world = SimpleNamespace(skill={}, seconds={}, errors={}, now=0.0, lines=[], folds=[], fits=[])

    def cross_validate(config, audio, folds, run, on_fold, speeds):
        world.speeds = speeds
        clips = learning_clips(audio)
        size = len(audio.labels)
        if config.kind not in world.skill:
            raise RuntimeError("out of memory\nand so on")
        order = np.random.default_rng(world.errors.get(config.kind, len(config.kind))).permutation(len(clips))
        right = order < world.skill[config.kind] * len(clips)
        given = np.where(right, clips.targets, (clips.targets + 1) % size)
        scores = (0.3 / size + 0.7 * np.eye(size)[given]).astype(np.float32)
        result = CrossValidated(np.concatenate([scores] * len(speeds)), num_bytes=10, latency_ms=1.0)
        for fold in range(folds.max() + 1):
            world.now += world.seconds.get(config.kind, 1.0)
            world.folds.append((config.kind, fold))
            result.seconds.append(world.seconds.get(config.kind, 1.0))
            held_out = folds == fold
            result.fold_scores.append(fold_scores(clips.targets[held_out], scores[held_out], size, False))
            on_fold(fold, result.fold_scores[-1])
        return result

    def fit(config, audio, run):
        world.fits.append((config.kind, audio))
        world.now += world.seconds.get(config.kind, 1.0)
        history = [{"epoch": 1, "train_loss": 1.0}]
        return Fitted(small_model(audio.labels).eval(), feature_extractor(16000), history, "epoch", 1, 1.0)

    monkeypatch.setattr(search, "cross_validate", cross_validate)
    monkeypatch.setattr(auto, "fit_kind", fit)
    monkeypatch.setattr(search, "pilot_cost", lambda config, *_: Cost(0.0, world.seconds.get(config.kind, 1.0)))
    monkeypatch.setattr(auto, "Budget", lambda seconds: Budget(seconds, lambda: world.now))
    return world


def candidates(*kinds):
    return [Candidate(kind, CONFIG.replaced(model=kind)) for kind in kinds]


def chosen_by(world, material, *kinds, config=CONFIG):
    return choose(material, config, Run(Accelerator(cpu=True), say=world.lines.append), candidates(*kinds))


def test_the_best_is_trained_again_on_all_but_the_test_part(world, material):
    world.skill = {"cnn": 0.6, "cnn1d": 0.8, "crnn": 0.7}
    world.errors = dict.fromkeys(KINDS, 0)  # the worse ones know nothing that the best does not
    choice = chosen_by(world, material, *KINDS)
    assert choice.fitted.details["chosen"] == "cnn1d"
    assert choice.fitted.details["chosen_settings"]["cnn1d"]["features"] == "mfcc"
    assert [row.model for row in choice.rows] == ["cnn1d", "crnn", "cnn"]
    assert [row.note for row in choice.rows] == ["chosen", "", ""]
    [(kind, audio)] = world.fits
    assert kind == "cnn1d"
    assert audio.train.files == material.audio.train.files + material.audio.validation.files
    assert len(audio.validation) == 0
    assert choice.fitted.history == [{"epoch": 1, "train_loss": 1.0}]
    # Its validation clips were learnt, so no score may be reported on them.
    assert choice.audio.train.files == audio.train.files
    assert len(choice.audio.validation) == 0
    assert choice.audio.test.files == material.audio.test.files
    assert [row["model"] for row in choice.fitted.details["leaderboard"]] == ["cnn1d", "crnn", "cnn"]
    # What it said in cross-validation of each of these clips is the basis of its calibration.
    held_out = choice.fitted.held_out
    np.testing.assert_array_equal(held_out.targets, audio.train.targets)
    assert held_out.groups == audio.train.groups
    assert (held_out.scores.argmax(1) == held_out.targets).mean() == pytest.approx(0.8, abs=0.01)


def test_models_that_err_differently_are_averaged(world, material):
    world.skill = {"cnn": 0.75, "cnn1d": 0.75, "crnn": 0.75}
    choice = chosen_by(world, material, *KINDS)
    assert sum(choice.fitted.details["weights"].values()) == pytest.approx(1)
    assert set(choice.fitted.details["weights"]) == set(KINDS)
    assert isinstance(choice.fitted.model, AudioClsEnsembleForAudioClassification)
    assert len(choice.fitted.model.members) == len(world.fits) == 3
    assert choice.rows[0].note == "chosen"
    assert choice.rows[0].scores["balanced_accuracy"] > 0.8
    right = (choice.fitted.held_out.scores.argmax(1) == choice.fitted.held_out.targets).mean()
    assert right == pytest.approx(choice.rows[0].scores["accuracy"], abs=0.02)
    assert choice.rows[0].num_bytes == 30
    assert {row["model"] for row in choice.fitted.history} == set(KINDS)
    classifier = AudioClassifier.of(choice.fitted.model, choice.fitted.extractor)
    assert classifier.predict_waveforms([material.audio.test.waveform(0)]).sum() == pytest.approx(1)


def test_what_does_not_fit_into_the_time_is_not_tried(world, material):
    world.skill, world.seconds = {"cnn": 0.8, "crnn": 0.9}, {"cnn": 2.0, "crnn": 25.0}
    choice = chosen_by(world, material, "cnn", "crnn")
    assert choice.fitted.details["chosen"] == "cnn"
    assert choice.rows[1].note == "not tried: would take about 100 s"
    assert not [kind for kind, _ in world.folds if kind == "crnn"]


def test_time_is_kept_for_the_last_training(world, material):
    """Three folds of crnn would end in time, but not its training on everything after that."""
    world.skill, world.seconds = {"cnn": 0.8, "crnn": 0.9}, {"cnn": 2.0, "crnn": 14.0}
    world.errors = dict.fromkeys(KINDS, 0)
    assert chosen_by(world, material, "cnn", "crnn").fitted.details["chosen"] == "cnn"
    world.seconds["crnn"] = 10.0
    world.now = 0.0
    assert chosen_by(world, material, "cnn", "crnn").fitted.details["chosen"] == "crnn"
    assert world.now <= 60


def test_a_hopeless_candidate_is_stopped_after_a_fold(world, material):
    world.skill = {"cnn": 0.9, "cnn1d": 0.3}
    choice = chosen_by(world, material, "cnn", "cnn1d")
    assert [fold for kind, fold in world.folds if kind == "cnn1d"] == [0]
    assert choice.rows[1].note.startswith("stopped after 1 of 3 folds, 0.")
    assert any("stopped after 1 of 3" in line for line in world.lines)


def test_a_candidate_slower_than_was_thought_is_stopped(world, material, monkeypatch):
    world.skill, world.seconds = {"cnn": 0.8, "cnn1d": 0.9}, {"cnn": 1.0, "cnn1d": 30.0}
    monkeypatch.setattr(search, "pilot_cost", lambda *_: Cost(0.0, 1.0))
    choice = chosen_by(world, material, "cnn", "cnn1d")
    assert choice.fitted.details["chosen"] == "cnn"
    assert choice.rows[1].note == "stopped after 1 of 3 folds: it takes longer than is left"


def test_a_failing_candidate_is_a_row(world, material):
    world.skill = {"cnn": 0.8}
    choice = chosen_by(world, material, "cnn1d", "cnn")
    assert choice.fitted.details["chosen"] == "cnn"
    assert choice.rows[1].note == "failed: out of memory"
    world.skill = {}
    with pytest.raises(DataError, match="no kind of model could be trained; cnn: failed: out of memory"):
        chosen_by(world, material, "cnn")


def test_a_budget_too_small_for_any_candidate_is_one_line(world, material):
    world.seconds = {"cnn": 100.0, "cnn1d": 40.0}
    with pytest.raises(
        UsageError, match=r"budget_minutes is 1; even cnn1d needs about 2\.7 minutes .* raise it"
    ) as told:
        chosen_by(world, material, "cnn", "cnn1d")
    assert "\n" not in str(told.value)
    assert not world.folds


def test_the_test_part_changes_nothing(world, material):
    world.skill = {"cnn": 0.75, "cnn1d": 0.72}
    choice = chosen_by(world, material, "cnn", "cnn1d")
    other = Material("", CONFIG, dataclasses.replace(material.audio, test=material.audio.test.subset([])))
    again = chosen_by(world, other, "cnn", "cnn1d")
    assert [row.record() for row in again.rows] == [row.record() for row in choice.rows]


def test_clips_of_one_voice_are_also_played_as_other_voices(world, material):
    """No fold can hold a voice apart; the draws still count each clip once."""
    world.skill = {"cnn": 0.8, "cnn1d": 0.6}
    world.errors = dict.fromkeys(KINDS, 0)
    clips = learning_clips(material.audio)
    clips.groups = ["anna"] * len(clips)
    audio = dataclasses.replace(material.audio, train=clips, validation=clips.subset([]))
    choice = chosen_by(world, Material("", CONFIG, audio), "cnn", "cnn1d")
    assert world.speeds == OTHER_VOICES
    assert any("one group, anna" in line for line in world.lines)
    assert set(world.fits[0][1].train.groups) == {None}
    assert set(clips.groups) == {"anna"}
    held_out = choice.fitted.held_out
    assert len(held_out.scores) == len(held_out.targets) == len(held_out.groups) == 3 * len(clips)
    assert len(set(held_out.groups)) == len(clips)
    low, high = choice.rows[0].intervals["accuracy"]
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.8 * 0.2 / len(clips)), rel=0.2)
    assert chosen_by(world, material, "cnn").fitted.details["speeds"] == [1.0]


def test_finetune_is_weighed_by_its_probe(world, material, monkeypatch):
    monkeypatch.setattr(search, "prepared", lambda config: config)
    world.skill = {"probe": 0.8, "finetune": 0.9, "cnn": 0.5}
    world.errors = dict.fromkeys(world.skill, 0)
    names = [Candidate(f"{kind}:m", CONFIG.replaced(model=f"{kind}:m")) for kind in ("probe", "finetune")]
    run = Run(Accelerator(cpu=True), say=world.lines.append)
    choice = choose(material, CONFIG, run, names)  # 1 ms a clip: fine
    assert [row.model for row in choice.rows] == ["finetune:m", "probe:m"]
    choice = (
        choose(material, CONFIG, run, names[1:] + candidates("cnn")) if world.skill.update(cnn=0.5) is None else None
    )
    assert choice.rows[1].note.startswith("not tried: the probe")


@pytest.mark.parametrize(
    ("clips", "groups", "minutes", "folds"),
    [(200, 200, 5, 3), (200, 200, 10, 4), (200, 200, 30, 5), (50, 50, 5, 5), (2000, 2, 30, 2), (50, 4, 5, 4)],
)
def test_number_of_folds(clips, groups, minutes, folds):
    assert number_of_folds(clips, groups, minutes) == folds


def test_candidates_are_the_kinds_and_the_weights_at_hand():
    models = [candidate.config.model for candidate in suitable(CONFIG, ["a", "b"])]
    assert models[:2] == ["probe:a", "probe:b"]
    assert models[-2:] == ["finetune:a", "finetune:b"]
    assert {"cnn", "cnn1d", "crnn", "forest", "boosting"} <= set(models)
    assert len({candidate.name for candidate in suitable(CONFIG, [])}) == len(suitable(CONFIG, []))


def test_several_processes_are_refused(world, material):
    run = Run(SimpleNamespace(num_processes=2))
    with pytest.raises(UsageError, match="one process"):
        choose(material, CONFIG, run, [])
