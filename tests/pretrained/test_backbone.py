"""Backbones: found or told how to get, given a head, cut to the clips without changing what they hear."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification

from audiocls.config import TrainConfig
from audiocls.errors import ModelError
from audiocls.inference.loading import quiet_transformers
from audiocls.inference.windows import window_samples
from audiocls.pretrained.backbone import (
    backbone_sampling_rate,
    base_model_id,
    build_classifier,
    find_backbone,
    window_for,
)
from audiocls.pretrained.features import model_inputs
from tests.pretrained.conftest import ARCHITECTURES


def whole(folder):
    """The backbone as transformers alone builds it, with its full window."""
    with quiet_transformers():
        return AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_body_is_the_pretrained_one_and_the_head_is_new(name, backbones):
    labels = ["a", "b", "c", "d", "e", "f"]
    model, extractor = build_classifier(str(backbones[name]), labels, True, 1.0)
    assert model.config.id2label == dict(enumerate(labels))
    assert model.config.label2id["f"] == 5
    assert model.config.problem_type == "multi_label_classification"
    assert not model.training
    assert extractor.sampling_rate == backbone_sampling_rate(str(backbones[name])) == 16000
    loaded, same = whole(backbones[name]).state_dict(), 0
    for key, tensor in model.state_dict().items():
        if not key.startswith(("classifier", "projector")) and "position" not in key:
            assert torch.equal(tensor, loaded[key])
            same += 1
    assert same > 20


def test_whisper_in_a_short_window_is_the_full_model_at_the_same_positions(backbones):
    model, extractor = build_classifier(str(backbones["whisper"]), ["a", "b"], False, 2)
    full = whole(backbones["whisper"])
    positions = model.encoder.embed_positions.weight
    assert positions.shape[0] == model.config.max_source_positions == 100
    assert torch.equal(positions, full.encoder.embed_positions.weight[:100])
    assert window_samples(model.config, extractor) == 32000
    noise = np.random.default_rng(0).standard_normal(32000).astype(np.float32)
    features = model_inputs(extractor, [noise], "cpu")["input_features"]
    assert features.shape == (1, 20, 200)
    noisy = np.random.default_rng(1).standard_normal((1, 20, 3000)).astype(np.float32)
    noisy[:, :, :200] = features
    with torch.inference_mode():
        here = model.encoder(features, output_hidden_states=True).hidden_states[0]
        there = full.encoder(torch.from_numpy(noisy), output_hidden_states=True).hidden_states[0]
    assert torch.allclose(here[:, :-1], there[:, :99], atol=1e-6)  # the last frame borders on what follows


def test_ast_in_a_short_window_keeps_each_patch_at_its_band_and_time(backbones):
    model, extractor = build_classifier(str(backbones["ast"]), ["a", "b"], False, 1.0)
    full = whole(backbones["ast"]).audio_spectrogram_transformer.embeddings
    short = model.audio_spectrogram_transformer.embeddings
    assert extractor.max_length == model.config.max_length < 200
    assert window_samples(model.config, extractor) >= 16000
    bands, times = short.get_shape(model.config)
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 200, 24)).astype(np.float32))
    with torch.inference_mode():
        everywhere = full(features)[:, 2:].unflatten(1, (bands, -1))
        here = short(features[:, : model.config.max_length])[:, 2:].unflatten(1, (bands, times))
    assert everywhere.shape[2] > times
    assert torch.allclose(here, everywhere[:, :, :times], atol=1e-5)


def test_the_wav2vec2_family_hears_clips_at_their_own_length(backbones):
    model, extractor = build_classifier(str(backbones["wavlm"]), ["a", "b"], False, 1.37)
    assert window_samples(model.config, extractor) == round(1.37 * 16000)
    short = model_inputs(extractor, [np.ones(4000, np.float32)], "cpu")["input_values"]
    assert short.shape == (1, 4000)


def test_windows_are_as_long_as_the_clips_need(backbones, tones):
    mean, longest = tones.train.lengths.mean() / 16000, tones.train.lengths.max() / 16000
    assert mean < 1 < longest

    def window(name, **changes):
        return window_for(TrainConfig(model=f"probe:{backbones[name]}", **changes), tones.train)

    assert window("whisper") == 1
    assert window("hubert") == pytest.approx(longest)
    assert window("hubert", clip_seconds=0.5) == 0.5
    assert mean <= window("ast") <= mean + 0.1  # whole patches of ten frames
    long = tones.train.subset([int(tones.train.lengths.argmax())])
    assert window_for(TrainConfig(model=f"probe:{backbones['whisper']}"), long) == math.ceil(longest)


def test_names_of_weights_that_are_not_here_tell_both_ways_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"audiocls weights whisper-tiny\.en.*openai/whisper-tiny\.en"):
        find_backbone("whisper-tiny.en")


@pytest.mark.parametrize(
    ("name", "hint"), [("no/such-model", "whisper-tiny.en"), ("openai/whisper-base", "whisper-base")]
)
def test_a_model_the_hub_does_not_give_tells_the_other_way(name, hint, monkeypatch):
    import huggingface_hub
    from huggingface_hub import errors

    def unreachable(*args, **kwargs):
        raise errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ModelError, match=f"{name}.*audiocls weights {hint}"):
        find_backbone(name)


def test_cards_name_the_model_as_the_hub_does(backbones):
    assert base_model_id("whisper-base") == "openai/whisper-base"
    assert base_model_id("facebook/hubert-base-ls960") == "facebook/hubert-base-ls960"
    assert base_model_id(str(backbones["ast"])) is None


def damaged(folder, where, **changes):
    shutil.copytree(folder, where)
    config = json.loads((where / "config.json").read_text())
    (where / "config.json").write_text(json.dumps({**config, **changes}))
    return where


@pytest.mark.parametrize("model_type", ["bert", "audiocls", None, "unheard-of"])
def test_a_backbone_that_is_no_audio_model_is_told(model_type, backbones, tmp_path):
    folder = damaged(backbones["whisper"], tmp_path / "other", model_type=model_type)
    with pytest.raises(ModelError, match=f"type {model_type}, no pretrained audio model"):
        build_classifier(str(folder), ["a", "b"], False, 1)


def test_cut_off_weights_are_told(backbones, tmp_path):
    folder = damaged(backbones["hubert"], tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        build_classifier(str(folder), ["a", "b"], False, 1)


def test_weights_of_another_size_are_told(backbones, tmp_path):
    folder = damaged(backbones["hubert"], tmp_path / "other", num_hidden_layers=4)
    with pytest.raises(ModelError, match=r"its weights lack hubert\.encoder\.layers\.3"):
        build_classifier(str(folder), ["a", "b"], False, 1)


def test_missing_weights_are_told(backbones, tmp_path):
    folder = damaged(backbones["ast"], tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        build_classifier(str(folder), ["a", "b"], False, 1)


def test_code_that_comes_with_a_backbone_is_not_run(backbones, tmp_path):
    folder = damaged(backbones["wavlm"], tmp_path / "code", auto_map={"AutoConfig": "evil.Evil"})
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    build_classifier(str(folder), ["a", "b"], False, 1)
    assert not (tmp_path / "ran").exists()
