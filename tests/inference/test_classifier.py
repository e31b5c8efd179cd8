"""Classifying: every way in gives the scores of the model's own forward, whatever else is in the batch."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
    pipeline,
)

from audiocls import AudioClassifier
from audiocls.audio.windows import window_starts
from audiocls.errors import AudioReadError, UsageError
from audiocls.inference.windows import window_samples
from audiocls.models.modeling_audiocls import cut_windows, plan_windows
from tests.small_models import LABELS, SOUNDS, write_small_model

RATE = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("models") / "small", window_seconds=1.0)


@pytest.fixture(scope="module")
def classifier(folder):
    return AudioClassifier.from_pretrained(folder)


@pytest.fixture(scope="module")
def files():
    return sorted(SOUNDS.glob("*/*.ogg"))[::6]


@pytest.fixture(scope="module")
def waveforms():
    """Clips of many lengths, from two samples to seven seconds."""
    generator = np.random.default_rng(0)
    lengths = [2, 700, 8000, 16000, 16001, 40000, 31999, 112345, 16000, 3]
    return [(generator.standard_normal(n) * 0.1).astype(np.float32) for n in lengths]


@given(st.integers(0, 20_000), st.integers(1, 5000))
def test_windows_start_where_the_model_itself_cuts(length, window_length):
    waveform = torch.arange(1, length + 1)[None].float()
    windows = cut_windows(waveform, *plan_windows(torch.tensor([length]), window_length))
    first = [max(int(value) - 1, 0) for value in windows[:, 0]]
    assert window_starts(length, window_length) == first


def test_scores_are_those_of_the_models_forward_for_clips_of_any_length(classifier, waveforms):
    scores = classifier.predict_waveforms(waveforms, batch_size=4)
    for row, waveform in zip(scores, waveforms, strict=True):
        with torch.no_grad():
            expected = classifier.model(torch.from_numpy(waveform)[None]).logits.softmax(-1)[0]
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_a_clip_scores_the_same_alone_and_in_any_batch(classifier, waveforms):
    alone = np.concatenate([classifier.predict_waveforms([waveform]) for waveform in waveforms])
    for batch_size in (1, 3, 16):
        np.testing.assert_allclose(classifier.predict_waveforms(waveforms, batch_size), alone, atol=1e-5)
    backwards = classifier.predict_waveforms(waveforms[::-1])
    np.testing.assert_allclose(backwards[::-1], alone, atol=1e-5)
    assert np.ptp(alone, axis=0).max() > 0.01  # the clips are told apart at all


def test_pipeline_through_the_saved_feature_extractor_agrees(classifier, folder, files):
    pipe = pipeline("audio-classification", model=str(folder), device="cpu")
    arrays = [soundfile.read(file, dtype="float32")[0] for file in files]
    ours = classifier(files)
    theirs = pipe([array.copy() for array in arrays], batch_size=4, top_k=None)
    for one, other in zip(ours, theirs, strict=True):
        expected = {entry["label"]: entry["score"] for entry in other}
        assert {e["label"]: e["score"] for e in one} == pytest.approx(expected, abs=1e-4)


def test_every_kind_of_input_gives_the_same_answer(classifier, files):
    file = files[0]
    array, rate = soundfile.read(file, dtype="float32")
    expected = classifier.scores(file)
    content = file.read_bytes()
    for inputs in (str(file), content, io.BytesIO(content), {"array": array, "sampling_rate": rate}, (rate, array)):
        np.testing.assert_allclose(classifier.scores(inputs), expected, atol=1e-5)
    for inputs in (array, torch.from_numpy(array), np.stack([array, array]), array.astype(np.float64)):
        np.testing.assert_allclose(classifier.scores(inputs, sampling_rate=rate), expected, atol=1e-5)
    np.testing.assert_allclose(classifier.scores(f for f in [file, file]), np.repeat(expected, 2, 0), atol=1e-5)


def test_labels_come_best_first_with_their_scores(classifier, files):
    answer = classifier(files[0])
    scores = classifier.scores(files[0])[0]
    assert [entry["score"] for entry in answer] == sorted((float(s) for s in scores), reverse=True)
    assert {entry["label"]: entry["score"] for entry in answer} == dict(zip(LABELS, scores.tolist(), strict=True))
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    assert classifier(files[0], top_k=2) == answer[:2]
    assert classifier(files[0], top_k=100) == answer
    assert classifier([files[0]]) == [answer]
    assert classifier([]) == []
    assert classifier.scores([]).shape == (0, len(LABELS))


def test_several_labels_a_clip_are_scored_independently(tmp_path, files):
    folder = write_small_model(tmp_path, ["rain", "wind"], problem_type="multi_label_classification")
    classifier = AudioClassifier.from_pretrained(folder)
    array, _ = soundfile.read(files[0], dtype="float32")
    with torch.no_grad():
        expected = classifier.model(torch.from_numpy(array)[None]).logits.sigmoid()
    assert classifier.multi_label
    np.testing.assert_allclose(classifier.scores(files[0]), expected, atol=1e-5)


def test_an_unreadable_clip_raises_or_keeps_its_place(classifier, files, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound in here")
    batch = [files[0], broken, files[1]]
    with pytest.raises(AudioReadError, match=r"broken\.wav"):
        classifier(batch)
    first, error, last = classifier(batch, on_error="return")
    assert isinstance(error, AudioReadError)
    assert error.file == str(broken)
    assert [first, last] == classifier([files[0], files[1]])
    assert isinstance(classifier([broken], on_error="return")[0], AudioReadError)
    with pytest.raises(AudioReadError):
        classifier(broken, on_error="return")  # one clip, no list to put it in


def test_a_list_is_read_only_as_far_as_answers_are_taken(classifier, files):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield files[0]

    stream = classifier.stream_scores(endless(), batch_size=2)
    expected = classifier.scores(files[0])[0]
    for _ in range(3):
        np.testing.assert_allclose(next(stream), expected, atol=1e-5)
    assert len(taken) == 32


def test_results_keep_their_order_across_groups(classifier, files):
    many = (files * 10)[:70]
    np.testing.assert_allclose(classifier.scores(many, batch_size=2), classifier.scores(many, batch_size=64), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"top_k": True}, "top_k is True"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"on_error": "ignore"}, "on_error is 'ignore'"),
    ],
)
def test_a_wrong_option_is_named(classifier, files, options, message):
    with pytest.raises(UsageError, match=message):
        classifier([files[0]], **options)


def test_a_number_is_no_audio(classifier):
    with pytest.raises(UsageError, match="type int is not understood"):
        classifier(5)


def test_a_list_of_samples_is_no_list_of_clips(classifier):
    with pytest.raises(UsageError, match="type float is not understood"):
        classifier([0.1, 0.2, 0.3], sampling_rate=RATE)


def test_silence_and_two_samples_are_classified(classifier):
    scores = classifier.scores([np.zeros(RATE, np.float32), np.ones(2, np.float32)], sampling_rate=RATE)
    assert np.isfinite(scores).all()


def test_threads_get_the_answers_they_would_get_alone(folder, files):
    fresh = AudioClassifier.from_pretrained(folder)  # nothing cached yet: threads meet in the first call
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(fresh.scores, files * 3))
    np.testing.assert_allclose(np.concatenate(answers), fresh.scores(files * 3), atol=1e-5)


def test_memory_does_not_grow_with_the_length_of_a_clip(classifier, monkeypatch):
    seen = []
    forward = classifier.model.forward

    def watched(input_values, attention_mask=None):
        seen.append(tuple(input_values.shape))
        return forward(input_values, attention_mask)

    monkeypatch.setattr(classifier.model, "forward", watched)
    classifier.predict_waveforms([np.zeros(50 * RATE + 1, np.float32)], batch_size=8)
    assert sum(count for count, _ in seen) == 51
    assert max(count for count, _ in seen) == 8
    assert {width for _, width in seen} == {RATE}


def test_what_a_classifier_says_of_itself(classifier, folder):
    assert classifier.labels == LABELS
    assert classifier.sampling_rate == RATE
    assert classifier.name == "small"
    assert not classifier.multi_label
    assert classifier.card is None
    assert classifier.metrics is None
    (folder / "README.md").write_text("# Klänge", encoding="utf-8")
    (folder / "metrics.json").write_text('{"accuracy": 0.5}')
    again = AudioClassifier.from_pretrained(folder)
    assert again.card == "# Klänge"
    assert again.metrics == {"accuracy": 0.5}


def small_transformer(kind, folder):
    """An untrained pretrained-style model; returns (folder, its window in samples)."""
    torch.manual_seed(0)
    names = {"num_labels": 3, "id2label": {0: "a", 1: "b", 2: "c"}}
    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    if kind == "whisper":
        extractor = WhisperFeatureExtractor(chunk_length=1, feature_size=20)
        widths = {f"{part}_{name}": n for part in ("encoder", "decoder") for name, n in WHISPER_SIZES.items()}
        config = WhisperConfig(num_mel_bins=20, d_model=16, max_source_positions=50, **widths, **names)
        model, window = WhisperForAudioClassification(config), RATE
    elif kind == "ast":
        extractor = ASTFeatureExtractor(num_mel_bins=16, max_length=64)
        config = ASTConfig(num_mel_bins=16, max_length=64, patch_size=8, **tiny, **names)
        model, window = ASTForAudioClassification(config), 400 + 63 * 160
    else:
        extractor = Wav2Vec2FeatureExtractor(return_attention_mask=False, do_normalize=True)
        extractor.max_length = 12000
        config = Wav2Vec2Config(
            conv_dim=(8,) * 7, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, **tiny, **names
        )
        model, window = Wav2Vec2ForSequenceClassification(config), 12000
    with torch.no_grad():  # spread the scores: as initialised they are nearly equal for every clip
        model.classifier.weight.normal_(0, 3) if hasattr(model.classifier, "weight") else None
    model.eval().save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder, window


WHISPER_SIZES = {"layers": 1, "attention_heads": 2, "ffn_dim": 16}


@pytest.mark.parametrize("kind", ["whisper", "ast", "wav2vec2"])
def test_other_architectures_average_the_scores_of_their_windows(kind, tmp_path, waveforms):
    folder, window = small_transformer(kind, tmp_path)
    classifier = AudioClassifier.from_pretrained(folder)
    assert window_samples(classifier.model.config, classifier.extractor) == window
    pipe = pipeline("audio-classification", model=str(folder), device="cpu")

    def of_one_window(piece):
        return {entry["label"]: entry["score"] for entry in pipe(piece.copy(), top_k=None)}

    clips = [waveform for waveform in waveforms if len(waveform) >= 1600]
    scores = classifier.predict_waveforms(clips, batch_size=4)
    for row, clip in zip(scores, clips, strict=True):
        pieces = [of_one_window(clip[start : start + window]) for start in window_starts(len(clip), window)]
        expected = {label: np.mean([piece[label] for piece in pieces]) for label in "abc"}
        assert dict(zip(classifier.labels, row.tolist(), strict=True)) == pytest.approx(expected, abs=1e-4)
    alone = np.concatenate([classifier.predict_waveforms([clip]) for clip in clips])
    np.testing.assert_allclose(scores, alone, atol=1e-4)
    assert np.isfinite(classifier.predict_waveforms([np.ones(2, np.float32)])).all()
