"""Small pretrained models with random weights, one of each architecture, for tests."""

from pathlib import Path

import torch
from transformers import (
    ASTConfig,
    AutoModelForAudioClassification,
    Data2VecAudioConfig,
    HubertConfig,
    SeamlessM4TFeatureExtractor,
    SEWConfig,
    SEWDConfig,
    UniSpeechConfig,
    UniSpeechSatConfig,
    Wav2Vec2BertConfig,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    WavLMConfig,
    WhisperConfig,
)

from audiocls.pretrained.windows import default_extractor

_SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}
_WAVEFORM = {
    **_SIZES,
    "conv_dim": (16, 16, 16),
    "conv_stride": (8, 8, 5),
    "conv_kernel": (10, 8, 5),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
CONFIGS = {
    "whisper": lambda: WhisperConfig(
        d_model=32, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=48, decoder_layers=1, num_mel_bins=80,
        vocab_size=100, pad_token_id=0,
    ),
    "ast": lambda: ASTConfig(**_SIZES, num_mel_bins=32, max_length=200),
    "wav2vec2": lambda: Wav2Vec2Config(**_WAVEFORM),
    "hubert": lambda: HubertConfig(**_WAVEFORM),
    "wavlm": lambda: WavLMConfig(**_WAVEFORM, num_buckets=16),
    "unispeech": lambda: UniSpeechConfig(**_WAVEFORM),
    "unispeech-sat": lambda: UniSpeechSatConfig(**_WAVEFORM),
    "data2vec-audio": lambda: Data2VecAudioConfig(**_WAVEFORM),
    "sew": lambda: SEWConfig(**_WAVEFORM),
    "sew-d": lambda: SEWDConfig(**_WAVEFORM),
    "wav2vec2-conformer": lambda: Wav2Vec2ConformerConfig(**_WAVEFORM),
    "wav2vec2-bert": lambda: Wav2Vec2BertConfig(**_SIZES, feature_projection_input_dim=160),
}  # fmt: skip


def write_backbone(architecture: str, folder: Path) -> Path:
    """Save a model with random weights and its feature extractor."""
    torch.manual_seed(0)
    config = CONFIGS[architecture]()
    model = AutoModelForAudioClassification.from_config(config)
    for module in model.modules():  # so narrow a model of transformers' small weights would say the same of any sound
        if isinstance(module, torch.nn.Linear | torch.nn.Conv1d) and "weight" in dict(module.named_parameters()):
            torch.nn.init.xavier_uniform_(module.weight)
    model.save_pretrained(folder)
    extractor = SeamlessM4TFeatureExtractor() if architecture == "wav2vec2-bert" else default_extractor(config)
    extractor.save_pretrained(folder)
    return folder
