"""The model as transformers sees it: windows, padding, loading with and without this package at hand."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import pipeline

from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification, cut_windows, level_windows, plan_windows
from tests.small_models import small_model, write_model

LABELS = {0: "bird", 1: "car", 2: "rain"}


@pytest.fixture(scope="module")
def model():
    return small_model(
        list(LABELS.values()), window_seconds=1.0, logit_scale=[3.0] * 3, logit_bias=[0.0, 0.1, 0.0]
    ).eval()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return write_model(model, tmp_path_factory.mktemp("model") / "saved model")


def noise(samples, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32))


@given(lengths=st.lists(st.integers(0, 1000), min_size=1, max_size=6), window=st.integers(1, 300))
def test_windows_cover_a_clip_from_its_start_to_its_end(lengths, window):
    waveform = torch.arange(1.0, 1001.0).repeat(len(lengths), 1)
    owner, starts, valid = plan_windows(torch.tensor(lengths), window)
    windows = cut_windows(waveform, owner, starts, valid)
    for clip, length in enumerate(lengths):
        own = windows[owner == clip]
        assert len(own) == max(1, -(-length // window))
        kept = [row[: int(n)] for row, n in zip(own, valid[owner == clip], strict=True)]
        assert set(torch.cat(kept).tolist()) == set(range(1, length + 1))
        assert all(len(row) == min(length, window) for row in kept)
        assert own.sum() == sum(row.sum() for row in kept)  # nothing but zeros behind the valid samples


def test_a_clip_scores_the_same_alone_and_in_a_padded_batch(model):
    clips = [noise(n, n) for n in (1, 200, 5000, 16000, 16001, 50000)]
    longest = max(map(len, clips))
    batch = torch.stack([torch.nn.functional.pad(clip, (0, longest - len(clip)), value=7.0) for clip in clips])
    mask = torch.stack([(torch.arange(longest) < len(clip)).long() for clip in clips])
    with torch.inference_mode():
        together = model(batch, mask).logits.softmax(-1)
        for clip, scores in zip(clips, together, strict=True):
            assert torch.allclose(model(clip[None]).logits.softmax(-1)[0], scores, atol=1e-5)


def test_loudness_is_no_cue_and_silence_is_no_error(model):
    clip = noise(16000)
    with torch.inference_mode():
        assert torch.allclose(model(clip[None]).logits, model(clip[None] / 100).logits, atol=1e-3)
        assert torch.isfinite(model(torch.zeros(1, 8000)).logits).all()
        assert torch.isfinite(model(torch.zeros(1, 0)).logits).all()
    levelled = level_windows(torch.stack([clip, clip * 30]), torch.tensor([16000, 16000]))
    assert levelled.pow(2).mean(1).sqrt().tolist() == pytest.approx([0.1, 0.1], rel=1e-4)


def test_long_clips_are_the_mean_over_their_windows(model):
    clip = noise(16000 * 3)
    with torch.inference_mode():
        parts = model(clip.reshape(3, 16000)).logits.mean(0)
        assert torch.allclose(model(clip[None]).logits[0], parts, atol=1e-5)


@torch.inference_mode()
def test_losses_follow_the_problem_type(model):
    clips = torch.stack([noise(8000, 1), noise(8000, 2)])
    single = model(clips, labels=torch.tensor([0, 2])).loss
    assert single == pytest.approx(float(torch.nn.functional.cross_entropy(model(clips).logits, torch.tensor([0, 2]))))
    many = AudioClsForAudioClassification(
        AudioClsConfig(id2label=LABELS, problem_type="multi_label_classification", window_seconds=1.0)
    ).eval()
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(many(clips).logits, targets)
    assert many(clips, labels=targets).loss == pytest.approx(float(expected))


def test_saved_and_loaded_models_are_equal(model, folder):
    loaded = AudioClsForAudioClassification.from_pretrained(folder).eval()
    clip = noise(20000)[None]
    with torch.inference_mode():
        assert torch.equal(loaded(clip).logits, model(clip).logits)
    assert loaded.config.id2label == LABELS


def test_bfloat16_keeps_the_features_exact(model, folder):
    loaded = AudioClsForAudioClassification.from_pretrained(folder, dtype=torch.bfloat16).eval()
    clip = noise(20000)[None]
    with torch.inference_mode():
        assert torch.allclose(loaded(clip).logits.float(), model(clip).logits, atol=0.05)


def test_a_misspelt_field_is_refused():
    with pytest.raises(ValueError, match="n_mels"):
        AudioClsConfig(n_mel=40)
    with pytest.raises(ValueError, match="hop_length"):
        AudioClsConfig(hop_lenght=40)


def run_isolated(code, tmp_path, folder):
    """Run code in a fresh process with its own empty caches and no network."""
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


PREDICT = """
import json, sys
import numpy as np
{first}
from transformers import pipeline
rng = np.random.default_rng(5)
clips = [rng.normal(0, 0.1, n).astype(np.float32) for n in (700, 16000, 40000)]
classify = pipeline("audio-classification", model=sys.argv[1], {option})
single = [classify(clip, top_k=None) for clip in clips]
batch = classify(clips, top_k=None, batch_size=3)
dictionary = classify({{"array": clips[1], "sampling_rate": 16000}}, top_k=None)
print(json.dumps([single, batch, dictionary, type(classify.model).__module__]))
"""


@pytest.mark.parametrize("at_hand", [False, True])
def test_pipeline_gives_the_same_scores_with_and_without_this_package(model, folder, tmp_path, at_hand):
    if at_hand:  # registered by the import: no flag needed
        code = PREDICT.format(first="import audiocls", option="")
    else:  # a Hub user's machine: the code comes with the model
        code = PREDICT.format(first="sys.modules['audiocls'] = None", option="trust_remote_code=True")
    single, batch, dictionary, module = run_isolated(code, tmp_path, folder)
    assert module.startswith("audiocls" if at_hand else "transformers_modules")
    rng = np.random.default_rng(5)
    for k, samples in enumerate((700, 16000, 40000)):
        clip = torch.from_numpy(rng.normal(0, 0.1, samples).astype(np.float32))
        with torch.inference_mode():
            scores = model(clip[None]).logits.softmax(-1)[0]
        expected = {name: float(scores[i]) for i, name in LABELS.items()}
        for result in [single[k], batch[k]] + ([dictionary] if k == 1 else []):
            assert {row["label"]: row["score"] for row in result} == pytest.approx(expected, abs=1e-4)


def test_the_folder_holds_no_pickle_and_no_path_of_this_machine(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "modeling_audiocls.py"} <= set(names)
    assert str(folder.parent) not in (folder / "config.json").read_text()


def test_pipeline_in_this_process_needs_no_flag(folder):
    assert len(pipeline("audio-classification", model=str(folder))(noise(9000).numpy())) == 3


LOAD = """
import json, sys
from pathlib import Path
sys.modules['audiocls'] = None
import torch
from transformers import AutoModelForAudioClassification
clip = torch.sin(torch.arange(9000) / 7)[None]
logits = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    model = AutoModelForAudioClassification.from_pretrained(folder, trust_remote_code=True).eval()
    with torch.inference_mode():
        logits[folder.name] = model(clip).logits[0].tolist()
print(json.dumps(logits))
"""


def test_every_network_brings_its_code_and_weights(tmp_path):
    clip = torch.sin(torch.arange(9000) / 7)[None]
    expected = {}
    for name, network in (("cnn1d", {}), ("lstm", {"rnn": "lstm"}), ("gru", {"rnn": "gru"})):
        kind = "cnn1d" if name == "cnn1d" else "crnn"
        each = small_model(["a", "b"], architecture=kind, network=network, window_seconds=0.5).eval()
        write_model(each, tmp_path / "models" / name)
        with torch.inference_mode():
            expected[name] = pytest.approx(each(clip).logits[0].tolist(), abs=1e-4)
    assert run_isolated(LOAD, tmp_path, tmp_path / "models") == expected
