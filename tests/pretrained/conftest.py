"""Pretrained models for tests: small ones with random weights of several architectures, and a real one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from accelerate import Accelerator

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.errors import AudioclsError
from audiocls.inference.loading import quiet_transformers
from audiocls.pretrained.weights import fetch_weights
from audiocls.training.run import Run

_BODY = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
_WAVES = {
    **_BODY,
    "conv_dim": (16, 16),
    "conv_kernel": (10, 4),
    "conv_stride": (80, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "num_feat_extract_layers": 2,
}


def _whisper() -> tuple[Any, Any]:
    config = transformers.WhisperConfig(
        d_model=24, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=50, num_mel_bins=20,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    return transformers.WhisperForConditionalGeneration(config), transformers.WhisperFeatureExtractor(feature_size=20)


def _ast() -> tuple[Any, Any]:
    config = transformers.ASTConfig(**_BODY, num_mel_bins=24, max_length=200, patch_size=8, num_labels=5)
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=24, max_length=200)
    return transformers.ASTForAudioClassification(config), extractor


def _wav2vec2() -> tuple[Any, Any]:
    config = transformers.Wav2Vec2Config(**_WAVES, feat_extract_norm="layer", do_stable_layer_norm=True)
    return transformers.Wav2Vec2Model(config), transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)


def _hubert() -> tuple[Any, Any]:
    return transformers.HubertForCTC(transformers.HubertConfig(**_WAVES, vocab_size=9)), None


def _wavlm() -> tuple[Any, Any]:
    model = transformers.WavLMForSequenceClassification(transformers.WavLMConfig(**_WAVES, num_labels=4))
    return model, transformers.Wav2Vec2FeatureExtractor()


ARCHITECTURES = {"whisper": _whisper, "ast": _ast, "wav2vec2": _wav2vec2, "hubert": _hubert, "wavlm": _wavlm}


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each architecture; HuBERT's has no feature extractor, as some on the Hub."""
    folders = {}
    for name, make in ARCHITECTURES.items():
        folders[name] = tmp_path_factory.mktemp("backbone") / name
        with torch.random.fork_rng(), quiet_transformers():
            torch.manual_seed(0)
            model, extractor = make()
            for parameter in model.parameters():  # fresh weights hear next to nothing
                if parameter.ndim > 1:
                    torch.nn.init.normal_(parameter, std=0.2)
            model.save_pretrained(folders[name])
        if extractor is not None:
            extractor.save_pretrained(folders[name])
    return folders


@pytest.fixture(scope="session")
def tones(make_tone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> AudioData:
    """Twelve tones, low, middle and high; three of each are of one group, and some are longer than a second."""
    root = tmp_path_factory.mktemp("tones")
    for number, label in enumerate(("low", "middle", "high")):
        for clip in range(8):
            hz, seconds = 200.0 * 3**number + 5 * clip, 1.3 if clip == 7 else 0.3 + 0.02 * clip
            make_tone(root / label / f"{label}_{clip}.wav", hz=hz, seconds=seconds)
    return load_audio_data(str(root), TrainConfig(num_workers=1, test_size=0.25, validation_size=0, model="cnn"))


@pytest.fixture(scope="session")
def run() -> Run:
    return Run(Accelerator(cpu=True))


@pytest.fixture(scope="session")
def whisper_tiny_en() -> str:
    """The name of the real Whisper tiny.en, whose weights lie in their default place; fetched if they are not."""
    try:
        fetch_weights("whisper-tiny.en", verbose=False)
    except AudioclsError as error:
        pytest.fail(f"these tests need real weights: run `audiocls weights whisper-tiny.en` first ({error})")
    return "whisper-tiny.en"
