import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification

from audiocls.audio.decoding import decode
from audiocls.detection.scan import Scanner, fitting_hop
from audiocls.errors import UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.rejection_file import attach_rejection
from audiocls.models.rejection import KnownSounds
from tests.small_models import LABELS, small_model

RATE = 16000
WINDOW, HOP = 16384, 8192


@pytest.fixture(scope="module")
def recording(everyday_sounds):
    """Ten seconds of real sounds, loud and soft, with silence and digital silence between them."""
    rng = np.random.default_rng(0)
    pieces = []
    for number, name in enumerate(("animal", "drum", "speech", "water")):
        clip = decode(sorted((everyday_sounds / "train" / name).glob("*.ogg"))[0], RATE)[: 2 * RATE]
        pieces += [clip * 10.0**-number, rng.normal(0, 1e-4, 4000), np.zeros(3000)]
    found = np.concatenate([*pieces, np.zeros(2 * WINDOW), pieces[0]]).astype(np.float32)
    return found[: len(found) - len(found) % HOP + 5000]


def taught(model):
    """Give a model something to tell unknown sounds by."""
    width, references = model.network.classifier.in_features, 20
    settings = {"width": width, "references": references, "outputs": len(LABELS), "neighbours": 3, "threshold": 0.0,
                "views": {"near": [-15.0, 3.0], "head": [0.5, 0.2], "sure": [-1.0, 0.5]}}  # fmt: skip
    rng = torch.Generator().manual_seed(0)
    tensors = KnownSounds(settings, len(LABELS)).state_dict()
    tensors["spread"] = torch.ones(width).view(torch.int32)
    tensors["references"] = torch.rand(references, width, generator=rng).half().view(torch.int16)
    tensors["weight"] = (0.1 * torch.randn(len(LABELS), width, generator=rng)).view(torch.int32)
    attach_rejection(model, settings, tensors)
    return model


def tiny_whisper():
    torch.manual_seed(0)
    small = {"d_model": 32, "encoder_ffn_dim": 64, "encoder_layers": 1, "encoder_attention_heads": 2}
    config = WhisperConfig(**small, decoder_layers=1, num_mel_bins=80, max_source_positions=100, num_labels=3)
    return AudioClassifier.of(WhisperForAudioClassification(config), WhisperFeatureExtractor(chunk_length=2))


CLASSIFIERS = {
    "cnn": lambda: AudioClassifier.of(taught(small_model(architecture="cnn", logit_scale=[2.0] * 7)), None),
    "cnn of several labels": lambda: AudioClassifier.of(
        taught(small_model(problem_type="multi_label_classification", logit_bias=[0.5] * 7)), None
    ),
    "cnn on an image": lambda: AudioClassifier.of(small_model(image_size=[64, 64], window_seconds=1.024), None),
    "cnn on coarse frames": lambda: AudioClassifier.of(small_model(n_fft=2048, hop_length=128), None),
    "cnn on sparse frames": lambda: AudioClassifier.of(small_model(n_fft=256, hop_length=512), None),
    "cnn1d": lambda: AudioClassifier.of(taught(small_model(architecture="cnn1d", features="mfcc")), None),
    "crnn": lambda: AudioClassifier.of(taught(small_model(architecture="crnn")), None),
    "whisper": tiny_whisper,
}


def scanned(classifier, samples, sizes=(10**9,), window=WINDOW, hop=HOP, **options):
    """First numbers, scores and known scores, pushing blocks of these sizes in turn."""
    scanner = Scanner(classifier, window, hop, **options)
    found, at = [], 0
    for number in range(len(samples)):
        if at >= len(samples):
            break
        size = sizes[number % len(sizes)]
        found += scanner.push(samples[at : at + size])
        at += size
    found += scanner.finish()
    if not found:
        return [], np.empty((0, 1)), np.empty(0)
    firsts = [windows.first for windows in found]
    assert firsts == [0, *np.cumsum([len(windows) for windows in found])[:-1]]
    return firsts, np.concatenate([w.scores for w in found]), np.concatenate([w.known for w in found])


def windows_of(samples, window, hop):
    """The definition, written another way."""
    count = 1 + max(0, -(-(len(samples) - window) // hop))
    return [samples[i * hop : i * hop + window] for i in range(count)]


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_kind_scores_windows_as_it_scores_clips(name, threads, recording):
    classifier = CLASSIFIERS[name]()
    samples = recording if name != "whisper" else recording[: 3 * RATE]
    for hop in (HOP, 7000) if name == "cnn" else (HOP,):
        _, scores, known = scanned(classifier, samples, hop=hop, num_threads=threads, batch_size=4)
        expected, expected_known = classifier.predict_known(windows_of(samples, WINDOW, hop))
        np.testing.assert_allclose(scores, expected, atol=1e-4)
        np.testing.assert_allclose(known, expected_known, atol=1e-4, rtol=1e-4)
        assert scores.dtype == known.dtype == np.float32
        if name == "whisper":  # random weights, much the same for every sound
            np.testing.assert_allclose(scores, expected, atol=1e-6)
        else:
            assert expected.std(axis=0).max() > 1e-3
            assert 0 < np.isneginf(known).sum() < len(known)


def test_networks_of_our_own_take_the_fast_way_and_share_frames_where_windows_start_on_them():
    cnn = CLASSIFIERS["cnn"]()
    assert Scanner(cnn, WINDOW, HOP)._fast._shared is not None
    assert Scanner(cnn, WINDOW, 7000)._fast._shared is None
    assert Scanner(tiny_whisper(), WINDOW, HOP)._fast is None


def test_blocks_of_any_size_give_the_same_windows(recording):
    classifier = CLASSIFIERS["cnn"]()
    _, expected, expected_known = scanned(classifier, recording)
    for sizes in ((1000,), (1, 30000, 8191), (WINDOW,)):
        _, scores, known = scanned(classifier, recording, sizes)
        np.testing.assert_allclose(scores, expected, atol=1e-5)
        np.testing.assert_allclose(known, expected_known, atol=1e-4)


@pytest.mark.parametrize("length", [1, 500, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + HOP, WINDOW + HOP + 1, 3 * WINDOW])
def test_the_tail_is_a_window_of_its_own_length(length, recording):
    classifier = CLASSIFIERS["cnn"]()
    samples = recording[:length]
    _, scores, known = scanned(classifier, samples)
    expected, expected_known = classifier.predict_known(windows_of(samples, WINDOW, HOP))
    assert len(scores) == len(expected)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    np.testing.assert_allclose(known, expected_known, atol=1e-4)


def test_nothing_gives_no_windows():
    scanner = Scanner(CLASSIFIERS["cnn"](), WINDOW, HOP)
    assert scanner.push(np.empty(0, np.float32)) == []
    assert scanner.finish() == []


def test_windows_come_as_soon_as_they_are_complete(recording):
    scanner = Scanner(CLASSIFIERS["cnn"](), WINDOW, HOP)
    assert scanner.push(recording[: WINDOW - 1]) == []
    assert [len(windows) for windows in scanner.push(recording[WINDOW - 1 : WINDOW])] == [1]
    assert scanner.push(recording[WINDOW : WINDOW + HOP - 1]) == []


def test_what_is_held_does_not_grow_and_is_no_view_of_what_was_pushed(recording):
    scanner = Scanner(CLASSIFIERS["cnn"](), WINDOW, HOP)
    block = recording[:5000].copy()
    scanner.push(block)
    block[:] = 7
    assert scanner._held.max() <= 1
    for _ in range(30):
        scanner.push(recording[:5000])
        assert len(scanner._held) < WINDOW
        assert scanner._held.base is None


def test_threads_of_the_caller_are_left_as_they_were(recording):
    before = torch.get_num_threads()
    scanned(CLASSIFIERS["cnn"](), recording, num_threads=2)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("window", "hop", "batch", "named"),
    [(10 * RATE, HOP, 8, "hears at most"), (WINDOW, WINDOW + 1, 8, "hop_length"), (WINDOW, 0, 8, "hop_length"),
     (WINDOW, HOP, 0, "batch_size")],
)  # fmt: skip
def test_windows_that_cannot_be_are_refused(window, hop, batch, named):
    with pytest.raises(UsageError, match=named):
        Scanner(CLASSIFIERS["cnn"](), window, hop, batch)


def test_a_fitting_hop_lies_on_the_frames_of_the_model():
    assert fitting_hop(CLASSIFIERS["cnn"](), 8000) == 31 * 256
    assert fitting_hop(CLASSIFIERS["cnn"](), 3) == 256
    assert fitting_hop(tiny_whisper(), RATE) == RATE


def test_without_operations_of_torchs_own_the_scores_are_the_same(recording, monkeypatch):
    from audiocls.detection import folding

    classifier = CLASSIFIERS["cnn"]()
    usual = scanned(classifier, recording)
    monkeypatch.setattr(folding, "_OPERATIONS", object())
    convolution = folding.FoldedConvolution(torch.nn.Conv2d(1, 2, 3, bias=False).eval(), torch.nn.BatchNorm2d(2).eval())
    assert convolution._packed is None
    plain = scanned(classifier, recording)
    np.testing.assert_allclose(usual[1], plain[1], atol=1e-5)
