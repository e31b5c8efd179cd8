"""What is said of a clip: its label, or none of these; and silence whatever the model."""

import json

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

from audiocls import AudioClassifier
from audiocls.errors import AudioReadError, ModelError
from audiocls.inference.answers import decide
from audiocls.inference.rejection_file import attach_rejection, save_rejection
from tests.models.test_rejection import taught
from tests.small_models import small_model, write_model

LABELS = ["dog", "rain", "wind"]
RATE = 16000
NOISE = np.random.default_rng(2).normal(0, 0.1, 20_000).astype(np.float32)
SILENCE = np.zeros(RATE, np.float32)


def scores(*values):
    return np.array(values, np.float32)


def test_answers_read_as_they_should():
    known = decide(scores(0.93, 0.05, 0.02), 1.0, LABELS, False, None, 0.0)
    assert (known.label, known.labels, known.reason, str(known)) == ("dog", ["dog"], None, "dog 0.93")
    unlike = decide(scores(0.61, 0.3, 0.09), -1.0, LABELS, False, None, 0.0)
    assert (unlike.label, unlike.labels, unlike.reason) == (None, [], "unlike")
    assert str(unlike) == "none of these (closest: dog 0.61)"
    assert unlike.known_score == -1.0
    quiet = decide(scores(0.61, 0.3, 0.09), -np.inf, LABELS, False, None, None)
    assert (quiet.label, quiet.reason, quiet.known_score, str(quiet)) == (
        None,
        "silent",
        None,
        "none of these (silent)",
    )
    cannot_tell = decide(scores(0.61, 0.3, 0.09), np.nan, LABELS, False, None, None)
    assert (cannot_tell.label, cannot_tell.known_score, cannot_tell.reason) == ("dog", None, None)


def test_thresholds_decide_among_several_labels_and_between_two_classes():
    several = decide(scores(0.6, 0.35, 0.4), 0.0, LABELS, True, {"dog": 0.7, "rain": 0.3, "wind": 0.3}, None)
    assert several.labels == ["wind", "rain"]
    assert several.label == "wind"
    assert several.closest == "dog"
    assert str(several) == "wind 0.40, rain 0.35"
    assert decide(scores(0.6, 0.35, 0.7), 0.0, LABELS, True, None, None).labels == ["wind", "dog"]
    none = decide(scores(0.4, 0.35, 0.1), 0.0, LABELS, True, None, None)
    assert (none.label, none.reason, str(none)) == (None, None, "none of these (closest: dog 0.40)")
    two = decide(scores(0.6, 0.4), 0.0, LABELS[:2], False, {"dog": 0.7, "rain": 0.3}, None)
    assert (two.label, two.closest, str(two)) == ("rain", "dog", "rain 0.40")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    model = small_model(LABELS, window_seconds=1.0)
    attach_rejection(model, *taught(3, model.network.classifier.in_features, threshold=-1e9))
    return write_model(model, tmp_path_factory.mktemp("models") / "own")


def write_wav2vec2(folder):
    torch.manual_seed(1)
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: k for k, name in enumerate(LABELS)}}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    sizes |= {"conv_dim": (8, 8), "conv_stride": (5, 4), "conv_kernel": (10, 8), "num_feat_extract_layers": 2}
    sizes |= {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "classifier_proj_size": 8}
    model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**sizes, **names)).eval()
    attach_rejection(model, *taught(3, 8, views=("near", "head")))
    model.save_pretrained(folder)
    save_rejection(model, folder)
    Wav2Vec2FeatureExtractor(sampling_rate=RATE, max_length=RATE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory):
    return write_wav2vec2(tmp_path_factory.mktemp("models") / "other")


@pytest.mark.parametrize("which", ["folder", "other_folder"])
def test_known_scores_do_not_depend_on_company_nor_the_other_scores_on_them(which, request):
    classifier = AudioClassifier.from_pretrained(request.getfixturevalue(which))
    clips = [NOISE[:n] for n in (900, 5000, 12_000, 12_000, 20_000)]
    together = classifier.answers(clips, sampling_rate=RATE)
    for clip, answer in zip(clips, together, strict=True):
        (alone,) = classifier.answers(clip, sampling_rate=RATE)
        assert alone.known_score == pytest.approx(answer.known_score, abs=1e-4)
        np.testing.assert_allclose(answer.scores, classifier.scores(clip, sampling_rate=RATE)[0], atol=1e-5)
    assert len({answer.known_score for answer in together}) == 4


def test_the_classifier_and_the_models_own_output_agree(folder):
    classifier = AudioClassifier.from_pretrained(folder)
    with torch.inference_mode():
        output = classifier.model(torch.from_numpy(NOISE)[None].to(classifier.model.device))
    (answer,) = classifier.answers(NOISE, sampling_rate=RATE)
    assert answer.known_score == pytest.approx(float(output.known_score), abs=1e-4)


def test_the_threshold_divides(folder):
    classifier = AudioClassifier.from_pretrained(folder)
    clips = [NOISE[:n] for n in (900, 5000, 12_000)]
    found = [answer.known_score for answer in classifier.answers(clips, sampling_rate=RATE)]
    classifier.model.known_sounds.threshold = sorted(found)[1]
    answers = classifier.answers(clips, sampling_rate=RATE)
    assert sorted(answer.reason is None for answer in answers) == [False, True, True]
    assert [answer.reason for answer in answers].index("unlike") == found.index(min(found))


@pytest.mark.parametrize("quiet", [SILENCE, SILENCE + 0.3, np.sign(NOISE) * 9e-4], ids=["zero", "offset", "faint"])
def test_silence_is_none_of_these_also_for_models_that_were_taught_nothing(quiet, folder, other_folder, tmp_path):
    plain = write_model(small_model(LABELS, window_seconds=1.0), tmp_path / "plain")
    for each in (plain, folder, other_folder):
        silent, audible = AudioClassifier.from_pretrained(each).answers([quiet, NOISE], sampling_rate=RATE)
        assert (silent.label, silent.reason, silent.known_score) == (None, "silent", None)
        assert audible.reason != "silent"
        assert (audible.known_score is None) == (each == plain)


def test_a_constant_is_silent_at_any_rate(folder):
    classifier = AudioClassifier.from_pretrained(folder)
    (answer,) = classifier.answers(np.full(44_100, 0.5, np.float32), sampling_rate=44_100)
    assert answer.reason == "silent"


def test_a_clip_that_cannot_be_read_keeps_its_place(folder, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    classifier = AudioClassifier.from_pretrained(folder)
    broken, fine = classifier.answers(
        [tmp_path / "broken.wav", {"array": NOISE, "sampling_rate": RATE}], on_error="return"
    )
    assert isinstance(broken, AudioReadError)
    assert fine.reason is None
    with pytest.raises(AudioReadError):
        classifier.answers(tmp_path / "broken.wav")


def test_a_missing_or_damaged_side_file_is_named_in_one_line(tmp_path):
    folder = write_wav2vec2(tmp_path / "other")
    side = folder / "rejection.safetensors"
    whole = side.read_bytes()
    side.write_bytes(whole[:-20])
    with pytest.raises(ModelError, match=r"rejection\.safetensors is damaged"):
        AudioClassifier.from_pretrained(folder)
    side.unlink()
    with pytest.raises(ModelError, match=r"has no rejection\.safetensors"):
        AudioClassifier.from_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "rejection"}))
    assert AudioClassifier.from_pretrained(folder).known_threshold is None


def test_a_threshold_of_the_caller_takes_the_place_of_the_model_s():
    scores = np.array([0.6, 0.4], np.float32)
    two = ("cat", "dog")
    assert decide(scores, np.nan, two, False, None, None, 0.5).label == "cat"
    unsure = decide(scores, np.nan, two, False, None, None, 0.7)
    assert (unsure.label, unsure.reason, str(unsure)) == (None, "unsure", "none of these (closest: cat 0.60)")
    assert decide(scores, np.nan, two, True, {"cat": 0.7, "dog": 0.1}, None).labels == ["dog"]
    assert decide(scores, np.nan, two, True, {"cat": 0.7, "dog": 0.1}, None, 0.5).labels == ["cat"]
