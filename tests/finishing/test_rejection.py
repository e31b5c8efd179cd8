"""Teaching models what is none of their classes: strange sounds are refused, known ones pass, whatever the kind."""

import dataclasses

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification

from audiocls import AudioClassifier
from audiocls.comparison.ensemble import ensemble
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.finishing.acceptance import lowest_passing, passing
from audiocls.finishing.known_views import FeatureViews, Windows
from audiocls.finishing.rejection import fit_rejection, known_scores
from audiocls.inference.rejection_file import save_rejection
from audiocls.kinds import fit_kind
from audiocls.training.factory import feature_extractor
from audiocls.training.run import HeldOut, Run
from tests.small_models import small_model

RATE = 16000
LABELS = ["high", "low"]
KINDS = ("network", "transformers", "ensemble", "forest")


@pytest.fixture(scope="module")
def sounds(make_tone, tmp_path_factory):
    """Two classes of tones in noise; sweeps of clicks as clips of no class."""
    root = tmp_path_factory.mktemp("sounds")
    for label, hz in (("low", 300.0), ("high", 2500.0)):
        for clip in range(30):
            make_tone(root / label / f"{label}_{clip}.wav", hz=hz + 11 * clip, seconds=1.7 if clip == 5 else 0.5)
    (root / "background").mkdir()
    for clip in range(12):
        soundfile.write(root / "background" / f"clicks_{clip}.wav", clicks(clip), RATE)
    return root


def clicks(seed):
    """Clicks at random times: like no tone."""
    rng = np.random.default_rng(seed)
    return (0.8 * (rng.random(RATE // 2) > 0.999) * rng.choice([-1, 1], RATE // 2)).astype(np.float32)


@pytest.fixture(scope="module")
def audio(sounds):
    return load_audio_data(str(sounds), TrainConfig(num_workers=1, test_size=0.2, validation_size=0.2))


@pytest.fixture(scope="module")
def strange():
    """Clips of no class that nothing was fitted on."""
    return [{"array": clicks(seed), "sampling_rate": RATE} for seed in range(100, 120)]


def small_whisper():
    torch.manual_seed(1)
    sizes = {"d_model": 16, "classifier_proj_size": 16, "max_source_positions": 50, "vocab_size": 8}
    for part in ("encoder", "decoder"):
        sizes |= {f"{part}_layers": 1, f"{part}_attention_heads": 2, f"{part}_ffn_dim": 16}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3}
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: k for k, name in enumerate(LABELS)}}
    return WhisperForAudioClassification(WhisperConfig(**sizes, **tokens, **names)), WhisperFeatureExtractor(
        chunk_length=1
    )


def classifier_of(kind, audio):
    """A classifier of tones, and what models like it said of clips that they had not learnt."""
    if kind == "network":
        return AudioClassifier.of(small_model(LABELS, window_seconds=1.0), None), None
    if kind == "transformers":
        return AudioClassifier.of(*small_whisper()), None
    if kind == "ensemble":
        members = [classifier_of(each, audio)[0] for each in ("transformers", "network")]
        return AudioClassifier.of(ensemble(members, [0.5, 0.5]), feature_extractor(RATE)), None
    fitted = fit_kind(TrainConfig(model="forest", num_workers=1), audio, Run(Accelerator(), curves=False))
    return AudioClassifier.of(fitted.model, fitted.extractor), fitted.held_out


def without_negatives(audio):
    return dataclasses.replace(audio, negatives=audio.negatives.subset([]))


def share_known(answers):
    return np.mean([answer.reason is None for answer in answers])


@pytest.mark.parametrize("kind", KINDS)
def test_strange_sounds_are_refused_and_known_ones_pass(kind, audio, strange, tmp_path):
    classifier, held_out = classifier_of(kind, audio)
    before = classifier.scores(strange)
    record = fit_rejection(classifier, audio, 0.9, 42, held_out=held_out)
    assert record["threshold"] == classifier.known_threshold == classifier.model.config.rejection["threshold"]
    assert record["clips"] > 0
    assert (known_scores(classifier, audio.test) >= classifier.known_threshold).mean() >= 2 / 3
    assert share_known(classifier.answers(strange)) <= 0.1
    np.testing.assert_array_equal(classifier.scores(strange), before)

    classifier.model.save_pretrained(tmp_path)
    (classifier.extractor or feature_extractor(RATE)).save_pretrained(tmp_path)
    save_rejection(classifier.model, tmp_path)
    assert (tmp_path / "rejection.safetensors").exists() == (kind == "transformers")
    again = AudioClassifier.from_pretrained(tmp_path)
    for one, other in zip(classifier.answers(strange), again.answers(strange), strict=True):
        assert one.known_score == pytest.approx(other.known_score, abs=1e-4)
    assert again.known_threshold == classifier.known_threshold


@pytest.mark.parametrize("kind", ["network", "transformers"])
def test_sounds_of_no_class_at_hand_make_the_score_better(kind, audio, strange):
    gaps = []
    for each in (without_negatives(audio), audio):
        classifier, _ = classifier_of(kind, audio)
        record = fit_rejection(classifier, each, 0.9, 42)
        assert record["negatives"] == len(each.negatives)
        known = known_scores(classifier, audio.test)
        unknown = np.array([answer.known_score for answer in classifier.answers(strange)])
        gaps.append((np.median(known) - np.median(unknown)) / known.std())
    assert gaps[1] > gaps[0]


def test_a_clip_is_no_neighbour_of_its_own_group():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 5)).astype(np.float32)
    copied = np.concatenate([features, features])
    groups = [str(number) for number in range(20)] * 2
    windows = Windows(np.arange(40), np.zeros((40, 2), np.float32), copied, 40)
    nothing = Windows(np.zeros(0, np.int64), np.zeros((0, 2), np.float32), None, 0)
    views = FeatureViews(windows, np.tile(np.eye(2)[rng.integers(0, 2, 20)], (2, 1)), groups, nothing, 42)
    standard = (copied - copied.mean(0)) / copied.std(0)
    distances = np.linalg.norm(standard[:, None] - standard[None], axis=2)
    distances[np.equal.outer(groups, groups)] = np.inf
    honest = views.honest()
    np.testing.assert_allclose(-honest["near"], np.sort(distances, axis=1)[:, :3].mean(1), atol=0.01)
    at_hand = views.of(windows)
    assert (at_hand["near"] > honest["near"] + 0.1).all()
    assert (np.abs(at_hand["head"] - honest["head"]) > 1e-4).all()


def test_the_threshold_alone_is_fitted_anew_on_other_clips(audio):
    classifier, _ = classifier_of("network", audio)
    fit_rejection(classifier, audio, 0.9, 42)
    references = classifier.model.known_sounds.references.clone()
    others = dataclasses.replace(audio, train=audio.train.subset([]), validation=audio.train.subset(range(20)))
    record = fit_rejection(classifier, others, 1.0, 42)
    scores = known_scores(classifier, others.validation)
    assert record["threshold"] == pytest.approx(scores.min(), abs=1e-3)
    assert (scores >= classifier.known_threshold).all()
    assert torch.equal(classifier.model.known_sounds.references, references)
    assert classifier.model.config.rejection["threshold"] == record["threshold"]


def test_too_few_clips_leave_the_model_as_it_is(audio):
    classifier, _ = classifier_of("network", audio)
    few = dataclasses.replace(audio, train=audio.train.subset(range(4)), validation=audio.train.subset([]))
    assert fit_rejection(classifier, few, 0.95, 42) is None
    assert classifier.known_threshold is None


def test_without_honest_features_the_predictions_of_other_models_decide(audio):
    """A network that learnt every clip: only what its likes said of clips they had not learnt can be believed."""
    classifier, _ = classifier_of("network", audio)
    all_learnt = dataclasses.replace(audio, validation=audio.train.subset([]))
    scores = np.random.default_rng(1).dirichlet([5, 1], len(audio.train)).astype(np.float32)
    record = fit_rejection(classifier, all_learnt, 0.95, 42, held_out=HeldOut(scores, audio.train.targets, [], "folds"))
    assert record["score"] == "sure"


def test_clips_that_shaped_the_features_set_no_threshold(audio):
    """A transformer that nothing was held out from learnt its features on the training clips, unlike a probe."""
    scores = np.full((len(audio.train), 2), 0.5, np.float32)
    folds = HeldOut(scores, audio.train.targets, list(audio.train.groups), "folds")
    judged = {"probe": len(audio.train) + len(audio.validation), "finetune": len(audio.validation)}
    for kind, held_out in (("probe", folds), ("finetune", None)):
        classifier, _ = classifier_of("transformers", audio)
        assert fit_rejection(classifier, audio, 0.9, 42, held_out=held_out)["clips"] == judged[kind]


def test_several_labels_a_clip(audio):
    model = small_model(LABELS, window_seconds=1.0, problem_type="multi_label_classification")
    classifier = AudioClassifier.of(model, None)
    parts = {}
    for part in ("train", "validation"):
        parts[part] = getattr(audio, part).subset(range(len(getattr(audio, part))))
        parts[part].targets = np.eye(2, dtype=np.float32)[parts[part].targets]
    both = dataclasses.replace(audio, multi_label=True, **parts)
    assert fit_rejection(classifier, both, 0.9, 42)["clips"] == len(audio.validation)
    assert share_known(classifier.answers([{"array": clicks(3), "sampling_rate": RATE}])) == 0


@pytest.mark.parametrize("acceptance", [0.8, 0.95])
@pytest.mark.parametrize("count", [30, 200])
def test_new_clips_pass_as_often_as_asked(acceptance, count):
    rng = np.random.default_rng(0)
    passed = [(rng.normal(size=400) >= lowest_passing(rng.normal(size=count), acceptance)).mean() for _ in range(300)]
    assert acceptance - 0.01 <= np.mean(passed) <= acceptance + 1.5 / count + 0.01


def test_few_new_clips_move_the_threshold_of_many_learnt():
    rng = np.random.default_rng(0)
    learnt, passed = rng.normal(size=300), []
    for _ in range(300):
        threshold = passing(rng.normal(-1, 1.5, 20), learnt, 0.95)
        passed.append((rng.normal(-1, 1.5, 400) >= threshold).mean())
    assert 0.92 <= np.mean(passed) <= 0.97
    assert lowest_passing(learnt, 1.0) == pytest.approx(learnt.min(), abs=1e-3)
