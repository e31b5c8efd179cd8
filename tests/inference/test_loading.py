"""Loading a model: what is wrong with a folder or a Hub id is said in one line, and no foreign code runs."""

import json
import os
import shutil

import pytest
from safetensors.torch import load_file, save_file
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.utils import logging

from audiocls.errors import ModelError
from audiocls.inference.loading import load_model
from tests.small_models import write_small_model


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(original, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(original, tmp_path / "my model")


def message_of(target, **options):
    with pytest.raises(ModelError) as caught:
        load_model(target, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def edit_config(folder, **changes):
    path = folder / "config.json"
    config = {k: v for k, v in (json.loads(path.read_text()) | changes).items() if v is not None}
    path.write_text(json.dumps(config))


def test_our_model_is_built_by_installed_code_even_when_other_code_comes_with_it(folder):
    for file in folder.glob("*.py"):
        file.write_text("raise SystemExit('downloaded code has run')")
    loaded = load_model(folder, trust_remote_code=True)
    assert type(loaded.model).__module__ == "audiocls.models.modeling_audiocls"
    assert not loaded.model.training
    assert loaded.name == "my model"
    assert loaded.extractor is None


def test_loading_is_quiet(folder, capfd):
    load_model(folder)
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled()


def test_a_missing_folder(tmp_path):
    assert "there is no such folder" in message_of(tmp_path / "none")
    assert "there is no such folder" in message_of("./none")
    assert "there is no such folder" in message_of("runs/none/deeper")


def test_a_file_instead_of_its_folder(folder):
    assert "is a file; give the model's folder" in message_of(folder / "model.safetensors")


def test_a_folder_without_config_says_what_it_needs(tmp_path):
    message = message_of(tmp_path)
    assert "config.json" in message
    assert "model.safetensors" in message


@pytest.mark.parametrize("text", ["{broken", "[]", ""])
def test_a_config_that_is_no_json_object(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json" in message_of(folder)


def test_missing_and_damaged_weights(folder):
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    assert "cannot be loaded" in message_of(folder)
    weights.unlink()
    assert "model.safetensors" in message_of(folder)


def test_weights_that_lack_a_layer_are_not_filled_with_random_numbers(folder):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.startswith("network.classifier"))
    save_file({k: v for k, v in weights.items() if k != name}, folder / "model.safetensors", {"format": "pt"})
    assert f"its weights lack {name}" in message_of(folder)


def test_weights_of_another_shape(folder):
    edit_config(folder, id2label={str(i): f"label {i}" for i in range(9)}, label2id=None)
    assert "my model" in message_of(folder)


def test_an_architecture_of_a_newer_version(folder):
    edit_config(folder, architecture="hologram")
    assert "architecture 'hologram'" in message_of(folder)


def test_a_misspelt_field_is_told(folder):
    edit_config(folder, hop_lenght=3)
    assert "hop_lenght" in message_of(folder)


def test_a_model_without_classification_head(tmp_path):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = WhisperConfig(d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16, vocab_size=60000, **sizes)
    WhisperForConditionalGeneration(config).save_pretrained(tmp_path)
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    assert "WhisperForConditionalGeneration, which is no audio classification model" in message_of(tmp_path)
    edit_config(tmp_path, architectures=["WhisperForAudioClassification"])  # claims to be one: its head is missing
    assert "its weights lack" in message_of(tmp_path)


def test_a_model_of_another_kind(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    assert "type bert, which is no audio classification model" in message_of(tmp_path)


def test_foreign_code_needs_the_flag(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text('{"feature_extractor_type": "Wav2Vec2FeatureExtractor"}')
    (tmp_path / "strange.py").write_text("open('/tmp/must not appear', 'w')\nclass C: pass\n")
    auto = {"AutoConfig": "strange.C", "AutoModelForAudioClassification": "strange.M"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "strange", "auto_map": auto}))
    assert "trust_remote_code" in message_of(tmp_path)
    assert not os.path.exists("/tmp/must not appear")


def test_an_unknown_device(folder):
    assert "device 'warp'" in message_of(folder, device="warp")
