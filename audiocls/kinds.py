"""The kinds of model and how each is fitted; what is heavy is imported when its kind is asked for."""

from pathlib import Path
from typing import Any

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.extra import with_extra
from audiocls.data.field import in_the_field
from audiocls.errors import UsageError
from audiocls.kind_names import NETWORK_KINDS, TREE_KINDS
from audiocls.training.run import Fitted, Run


def fit_kind(config: TrainConfig, audio: AudioData, run: Run) -> Fitted:
    """Train a model of `config.kind` on `audio.train` and, where there are any, `audio.extra`; `audio.validation` is
    watched, `audio.test` is not touched.

    Raises:
        UsageError: settings contradict each other, the data or the run to resume; or the kind is "auto", which is a
            choice among kinds (`audiocls.comparison.auto`).
        DataError: the data does not suffice for this kind.
        ModelError: a pretrained model is missing or cannot be used.
    """
    audio = with_extra(audio)
    if config.kind in NETWORK_KINDS:
        from audiocls.training.network import fit_network

        return fit_network(config, audio, run)
    if config.kind in TREE_KINDS:
        from audiocls.classical.fit import fit_trees

        return fit_trees(config, in_the_field(config, audio), run)
    if config.kind == "probe":
        from audiocls.pretrained.probe import fit_probe

        return fit_probe(config, in_the_field(config, audio), run)
    if config.kind == "finetune":
        from audiocls.pretrained.finetune import fit_finetune

        return fit_finetune(config, audio, run)
    raise UsageError(f"model is {config.model!r}, which chooses among kinds; it cannot be one of them")


def prepared(config: TrainConfig) -> TrainConfig:
    """The settings with what the kind decides: a pretrained model's sampling rate. Fails early on what cannot work.

    Raises:
        UsageError: impossible features, or a sampling rate that is not the pretrained model's.
        ModelError: the pretrained model is missing or no audio model.
    """
    if config.backbone:
        from audiocls.pretrained.backbone import backbone_sampling_rate

        rate, given = backbone_sampling_rate(config.backbone), config.sampling_rate
        if given not in (rate, type(config).sampling_rate):
            raise UsageError(f"sampling_rate is {given}; {config.backbone} hears at {rate} Hz only: leave it out")
        return config.replaced(sampling_rate=rate)
    if config.kind != "auto":
        from audiocls.training.factory import check_features

        check_features(config)
    return config


def told_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings as they are published: files and folders by their names, not by where they lay."""
    settings = config.to_dict()
    if config.backbone and Path(config.backbone).expanduser().is_dir():
        settings["model"] = f"{config.kind}:{Path(config.backbone).expanduser().resolve().name}"
    for name in ("background_folder", "group_table", "extra_folder"):
        if settings[name]:
            settings[name] = Path(settings[name]).expanduser().resolve().name
    return settings


def description(config: TrainConfig, fitted: Fitted) -> str:
    """How the model was made, for its card."""
    network = f"on {config.features.replace('_', '-').replace('+', ', ')}, trained from scratch"
    trees = f"on statistics of {config.features.replace('_', ' ').replace('+', ', ')} over the clip"
    start = fitted.base_model or "a pretrained model"
    told = {
        "cnn": f"A residual 2-D convolutional network {network}.",
        "cnn1d": f"A 1-D convolutional network {network}.",
        "crnn": f"A convolutional network with a bidirectional {config.rnn.upper()} over time, {network}.",
        "forest": f"A random forest {trees}.",
        "boosting": f"Gradient-boosted trees {trees}.",
        "probe": f"{start}, frozen, with a linear classifier solved on its pooled features.",
        "finetune": f"{start}, trained on end to end, starting from a linear classifier solved on its features.",
        "auto": f"Chosen among several kinds of model: {fitted.details.get('chosen')}.",
    }
    return told[config.kind]
