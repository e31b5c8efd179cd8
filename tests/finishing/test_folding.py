"""A model with a scaling folded in: every way of using it gives the calibrated scores."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from transformers import pipeline

from audiocls.comparison.ensemble import ensemble
from audiocls.errors import ModelError
from audiocls.finishing.folding import fold, model_scaling, unfolded
from audiocls.finishing.temperature import Scaling
from audiocls.inference.classifier import AudioClassifier
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.pretrained.backbone import build_classifier
from audiocls.pretrained.features import final_linear
from audiocls.training.factory import feature_extractor, label_settings
from tests.pretrained.tiny_backbones import write_backbone
from tests.small_models import small_model

LABELS = ["dog", "rain", "wind"]
MULTI = "multi_label_classification"
SINGLE_SCALING = Scaling(np.full(3, 0.3))
MULTI_SCALING = Scaling(np.array([0.5, 2.0, 1.0]), np.array([1.0, -0.5, 0.0]))
RNG = np.random.default_rng(5)
CLIPS = [RNG.normal(0, 0.1, samples).astype(np.float32) for samples in (700, 16000, 40000)]


def own(architecture="cnn", **config):
    return small_model(LABELS, architecture=architecture, window_seconds=1.0, **config).eval()


def forest(**config):
    """One tree with one question, which the windows of CLIPS answer differently."""
    sizes = {"trees": 1, "nodes": 1, "leaves": 2, "depth": 1}
    model = own("forest", network=sizes, **config)
    windows = [torch.from_numpy(clip[None, -16000:]) for clip in (*CLIPS, CLIPS[2][:16000])]
    values = [model.network.statistics(*model.window_features(each, torch.tensor([each.shape[1]]))) for each in windows]
    threshold = torch.cat(values)[:, 0].median()
    tensors = {"features": [0], "thresholds": [threshold.view(torch.int32)], "below": [-1], "above": [-2], "roots": [0]}
    state = {name: torch.tensor(each, dtype=torch.int32) for name, each in tensors.items()}
    model.network.load_state_dict(state | {"leaf_values": torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.6, 0.4]])})
    return model


def together(**config):
    return ensemble([AudioClassifier.of(own(**config), None), AudioClassifier.of(forest(**config), None)], [1, 2])


MODELS = {"cnn": own, "forest": forest, "ensemble": together}


def window_scores(classifier, clip):
    """Scores (windows, labels) of a clip's windows alone."""
    length = classifier.window_length
    count = max(1, -(-len(clip) // length))
    starts = np.arange(count) * max(0, len(clip) - length) // max(1, count - 1)
    return classifier.predict_waveforms([clip[start : start + length] for start in starts])


def expected_scores(classifier, scaling):
    """What scaled logits of windows must give, from the model without a scaling."""
    multi = classifier.multi_label
    rows = []
    for clip in CLIPS:
        windows = window_scores(classifier, clip).astype(np.float64)
        if classifier.averages_scores:
            rows.append(scaling.scores(windows, multi).mean(0))
        else:
            logits = (np.log(windows) - (np.log1p(-windows) if multi else 0)) * scaling.scale
            logits = (logits + (0 if scaling.bias is None else scaling.bias)).mean(0)
            rows.append(expit(logits) if multi else softmax(logits))
    return np.stack(rows)


def by_name(rows):
    return [[{row["label"]: row["score"] for row in clip}[label] for label in LABELS] for clip in rows]


@pytest.fixture(scope="module", params=MODELS)
def kind(request):
    return request.param


@pytest.mark.parametrize("multi_label", [False, True])
def test_every_way_of_using_our_models_is_calibrated(kind, multi_label, tmp_path):
    model = MODELS[kind](**({"problem_type": MULTI} if multi_label else {}))
    scaling = MULTI_SCALING if multi_label else SINGLE_SCALING
    before = AudioClassifier.of(model, None).predict_waveforms(CLIPS)
    expected = expected_scores(AudioClassifier.of(model, None), scaling)
    assert np.abs(expected - before).max() > 0.02
    fold(model, scaling)
    np.testing.assert_allclose(AudioClassifier.of(model, None).predict_waveforms(CLIPS), expected, atol=1e-5)
    model.save_pretrained(tmp_path)
    feature_extractor(16000).save_pretrained(tmp_path)
    loaded = AudioClassifier.from_pretrained(tmp_path)
    np.testing.assert_allclose(loaded.predict_waveforms(CLIPS), expected, atol=1e-5)
    classify = pipeline("audio-classification", model=str(tmp_path))
    np.testing.assert_allclose(by_name(classify(CLIPS, top_k=None, batch_size=3)), expected, atol=1e-4)


@pytest.mark.parametrize("architecture", ["whisper", "ast", "wav2vec2", "sew-d", "wav2vec2-bert"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_models_of_transformers_are_calibrated_in_their_last_layer(architecture, multi_label, tmp_path):
    write_backbone(architecture, tmp_path / "backbone")
    model, extractor = build_classifier(str(tmp_path / "backbone"), LABELS, multi_label, 1.0)
    torch.nn.init.normal_(final_linear(model.eval()).weight, std=0.3)
    torch.nn.init.normal_(final_linear(model).bias)
    scaling = MULTI_SCALING if multi_label else SINGLE_SCALING
    classifier = AudioClassifier.of(model, extractor)
    before, expected = classifier.predict_waveforms(CLIPS), expected_scores(classifier, scaling)
    fold(model, scaling)
    with unfolded(model, scaling):
        np.testing.assert_allclose(classifier.predict_waveforms(CLIPS), before, atol=1e-5)
    extractor.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    loaded = AudioClassifier.from_pretrained(tmp_path)
    np.testing.assert_allclose(loaded.predict_waveforms(CLIPS), expected, atol=1e-5)
    classify = pipeline("audio-classification", model=str(tmp_path))
    np.testing.assert_allclose(by_name([classify(CLIPS[1], top_k=None)]), expected[1:2], atol=1e-4)


def test_folding_twice_is_folding_both():
    model = own(problem_type=MULTI)
    expected = AudioClassifier.of(model, None).predict_waveforms(CLIPS)
    for scaling in (MULTI_SCALING, Scaling(np.array([3.0, 0.1, 2.0]), np.array([0.0, 1.0, 0.3]))):
        expected = scaling.scores(expected, True)
        fold(model, scaling)
    np.testing.assert_allclose(AudioClassifier.of(model, None).predict_waveforms(CLIPS), expected, atol=1e-5)
    assert model_scaling(model).scale == pytest.approx([1.5, 0.2, 2.0])


def test_the_answer_stays_what_it_was(kind):
    model = MODELS[kind]()
    short = CLIPS[:2]
    before = AudioClassifier.of(model, None).predict_waveforms(short).argmax(1)
    for scale in (0.01, 50.0):
        fold(model, Scaling(np.full(3, scale)))
        assert (AudioClassifier.of(model, None).predict_waveforms(short).argmax(1) == before).all()
        model.config.logit_scale = None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"logit_scale": [1.0]}, "each of the 3 labels"),
        ({"logit_scale": [1.0, 0.0, 1.0]}, "above 0"),
        ({"logit_bias": [1.0, float("nan"), 0.0]}, "no number"),
        ({"logit_bias": 2.0}, "each of the 3 labels"),
    ],
)
def test_a_scaling_that_fits_no_answer_is_refused(wrong, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        AudioClsConfig(**label_settings(LABELS, False), **wrong)


def test_a_damaged_configuration_is_one_line(tmp_path):
    model = own()
    model.config.logit_scale = [1.0]
    model.save_pretrained(tmp_path)
    feature_extractor(16000).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"logit_scale must be a list of one number for each of the 3 labels"):
        AudioClassifier.from_pretrained(tmp_path)
