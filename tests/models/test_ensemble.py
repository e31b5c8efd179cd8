"""An ensemble is one model: the mean of its members, however it is loaded, for clips of any length."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
    pipeline,
)

from audiocls.comparison.ensemble import ensemble
from audiocls.errors import ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.models.configuration_ensemble import AudioClsEnsembleConfig
from audiocls.models.modeling_ensemble import AudioClsEnsembleForAudioClassification
from audiocls.training.factory import feature_extractor
from tests.models.test_modeling import PREDICT, run_isolated
from tests.small_models import small_model

LABELS = ["dog", "rain", "wind"]
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {name: k for k, name in enumerate(LABELS)}}
RNG = np.random.default_rng(5)
CLIPS = [RNG.normal(0, 0.1, samples).astype(np.float32) for samples in (700, 16000, 40000)]
MULTI = "multi_label_classification"


def small_whisper(**config):
    torch.manual_seed(1)
    sizes = {"d_model": 16, "classifier_proj_size": 8, "max_source_positions": 100, "vocab_size": 8}
    for part in ("encoder", "decoder"):
        sizes |= {f"{part}_layers": 1, f"{part}_attention_heads": 2, f"{part}_ffn_dim": 16}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3}
    model = WhisperForAudioClassification(WhisperConfig(**sizes, **tokens, **NAMES, **config))
    torch.nn.init.normal_(model.classifier.weight)
    return AudioClassifier.of(model, WhisperFeatureExtractor(chunk_length=2))


def small_wav2vec2(**config):
    torch.manual_seed(2)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    sizes |= {"conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (5, 4), "classifier_proj_size": 8}
    convolution = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "window_seconds": 1.0}
    model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**sizes, **convolution, **NAMES, **config))
    torch.nn.init.normal_(model.classifier.weight)
    return AudioClassifier.of(model, Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False))


def own_model(**config):
    return AudioClassifier.of(small_model(LABELS, **config), None)


@pytest.fixture(scope="module")
def members():
    return [own_model(), small_whisper(), small_wav2vec2()]


@pytest.fixture(scope="module")
def model(members):
    return ensemble(members, [1, 1, 2])


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    model.save_pretrained(folder)
    feature_extractor(16000).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def expected(members):
    """The members' own scores, each as it scores alone."""
    return np.average([member.predict_waveforms(CLIPS) for member in members], axis=0, weights=[1, 1, 2])


def test_members_differ_and_depend_on_the_clip(members):
    scores = [member.predict_waveforms(CLIPS) for member in members]
    assert min(np.ptp(each, axis=0).max() for each in scores) > 1e-3
    assert np.abs(scores[0] - scores[1]).max() > 0.05


def test_it_answers_with_the_mean_of_the_probabilities(model, expected):
    classifier = AudioClassifier.of(model, None)
    np.testing.assert_allclose(classifier.predict_waveforms(CLIPS), expected, atol=1e-6)
    alone = np.concatenate([classifier.predict_waveforms([clip]) for clip in CLIPS])
    np.testing.assert_allclose(alone, expected, atol=1e-6)


def assert_scores(rows, scores):
    assert {row["label"]: row["score"] for row in rows} == pytest.approx(
        dict(zip(LABELS, scores, strict=True)), abs=1e-4
    )


def test_pipeline_where_this_package_is_not(folder, expected, tmp_path):
    """A Hub user's machine: the code comes with the model."""
    code = PREDICT.format(first="sys.modules['audiocls'] = None", option="trust_remote_code=True")
    single, batch, dictionary, module = run_isolated(code, tmp_path, folder)
    assert module.startswith("transformers_modules")
    for clip in range(len(CLIPS)):
        assert_scores(single[clip], expected[clip])
        assert_scores(batch[clip], expected[clip])
    assert_scores(dictionary, expected[1])


def test_pipeline_in_this_process_needs_no_flag(folder, expected):
    classify = pipeline("audio-classification", model=str(folder))
    assert type(classify.model) is AudioClsEnsembleForAudioClassification
    for rows, scores in zip(classify(CLIPS, top_k=None, batch_size=3), expected, strict=True):
        assert_scores(rows, scores)


def test_a_saved_one_loads_as_one_of_ours(folder, expected):
    classifier = AudioClassifier.from_pretrained(folder)
    assert classifier.extractor is None
    assert classifier.labels == LABELS
    np.testing.assert_allclose(classifier.predict_waveforms(CLIPS), expected, atol=1e-4)
    assert str(folder.parent) not in (folder / "config.json").read_text()


def test_it_can_be_built_without_memory_and_saved_again(folder, tmp_path, expected):
    with torch.device("meta"):
        AudioClsEnsembleForAudioClassification(AudioClsEnsembleConfig.from_pretrained(folder))
    again = AudioClsEnsembleForAudioClassification.from_pretrained(folder)
    again.save_pretrained(tmp_path)
    loaded = AudioClsEnsembleForAudioClassification.from_pretrained(tmp_path)
    scores = AudioClassifier.of(loaded, None).predict_waveforms(CLIPS)
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_bfloat16_changes_scores_little(folder, expected):
    half = AudioClsEnsembleForAudioClassification.from_pretrained(folder, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    np.testing.assert_allclose(AudioClassifier.of(half, None).predict_waveforms(CLIPS), expected, atol=0.03)


def test_several_labels_a_clip():
    members = [own_model(problem_type=MULTI), small_whisper(problem_type=MULTI)]
    model = ensemble(members, [1, 1])
    wanted = np.mean([member.predict_waveforms(CLIPS) for member in members], axis=0)
    np.testing.assert_allclose(AudioClassifier.of(model, None).predict_waveforms(CLIPS), wanted, atol=1e-5)
    with torch.inference_mode():
        output = model(torch.from_numpy(CLIPS[1])[None], labels=torch.tensor([[1.0, 0.0, 1.0]]))
    assert float(output.loss) == pytest.approx(-np.log([wanted[1, 0], 1 - wanted[1, 1], wanted[1, 2]]).mean(), abs=1e-4)


def test_long_clips_pass_in_pieces_and_both_ways_agree(members):
    """Three windows of the ensemble: the classifier cuts them as `forward` does, and no member sees many at once."""
    model = ensemble(members, [1, 1, 1])
    model.config.window_seconds = 20.0
    long = np.random.default_rng(0).normal(0, 0.1, 50 * 16000).astype(np.float32)
    seen = []
    hook = members[2].model.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs), with_kwargs=True)
    with torch.inference_mode():
        whole = model(torch.from_numpy(np.stack([long, long]))).logits.softmax(-1).numpy()
    hook.remove()
    assert max(each["input_values"].shape[0] for each in seen) <= 16
    assert max(each["input_values"].shape[1] for each in seen) == 16000
    cut = AudioClassifier.of(model, None).predict_waveforms([long])
    np.testing.assert_allclose(whole, np.repeat(cut, 2, axis=0), atol=1e-5)


def test_certain_members_do_not_break_the_logarithm(members):
    model = ensemble([own_model()], [1])
    with torch.no_grad():
        model.members[0].network.classifier.bias[1] = 1e4
    logits = model(torch.from_numpy(CLIPS[1])[None]).logits
    assert torch.isfinite(logits).all()
    assert int(logits.argmax()) == 1


def test_members_that_do_not_fit_are_refused(members):
    with pytest.raises(ModelError, match="different labels"):
        ensemble([members[0], AudioClassifier.of(small_model(["dog", "rain", "snow"]), None)], [1, 1])
    with pytest.raises(ModelError, match=r"16000 Hz.*8000 Hz"):
        ensemble([members[0], own_model(sampling_rate=8000)], [1, 1])


def test_configurations_that_cannot_work_say_why(tmp_path):
    with pytest.raises(ValueError, match="no 'extractor'"):
        AudioClsEnsembleConfig([{"config": {}, "weight": 1.0, "window_length": 5}])
    with pytest.raises(ValueError, match="above 0"):
        AudioClsEnsembleConfig([{"config": {}, "weight": 0.0, "window_length": 5, "extractor": None}])
    with pytest.raises(ValueError, match="at least one"):
        AudioClsEnsembleForAudioClassification(AudioClsEnsembleConfig())


def test_a_member_that_this_version_lacks_is_one_line(folder, tmp_path):
    config = AutoConfig.from_pretrained(folder)
    config.members[0]["config"]["architecture"] = "later"
    config.save_pretrained(tmp_path)
    feature_extractor(16000).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="architecture 'later'"):
        AudioClassifier.from_pretrained(tmp_path)


def test_it_can_be_the_first_import_and_is_known_to_transformers_then():
    code = (
        "import audiocls.models.modeling_ensemble as first\n"
        "from transformers import AutoModelForAudioClassification as auto\n"
        "print(auto._model_mapping[first.AudioClsEnsembleConfig].__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "AudioClsEnsembleForAudioClassification", done.stderr
