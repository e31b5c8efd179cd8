"""Making one model of several trained ones: `AudioClsEnsembleForAudioClassification` around them."""

import json
from collections.abc import Sequence
from typing import Any

import torch

from audiocls.errors import ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.models.configuration_ensemble import AudioClsEnsembleConfig
from audiocls.models.modeling_ensemble import AudioClsEnsembleForAudioClassification
from audiocls.training.factory import label_settings

WINDOW_SECONDS = 60.0  # of the ensemble, unless a member sees more at once


def ensemble(members: Sequence[AudioClassifier], weights: Sequence[float]) -> AudioClsEnsembleForAudioClassification:
    """One model that answers with the weighted mean of the members' probabilities, in eval mode.

    Args:
        members: at least one; they are used as they are, not copied.
        weights: of the mean, positive; scaled to add up to 1.

    Raises:
        ModelError: members differ in labels, kind of task or sampling rate.
    """
    first = members[0]
    for other in members[1:]:
        if other.labels != first.labels or other.multi_label != first.multi_label:
            raise ModelError(f"{first.name} and {other.name} have different labels, so they cannot answer together")
        if other.sampling_rate != first.sampling_rate:
            raise ModelError(
                f"{first.name} hears at {first.sampling_rate} Hz and {other.name} at {other.sampling_rate} Hz, so they "
                "cannot answer together"
            )
    described = [
        {
            "weight": weight / sum(weights),
            "config": _plain(member.model.config.to_json_string(use_diff=False)),
            "extractor": None if member.extractor is None else _plain(member.extractor.to_json_string()),
            "window_length": member.window_length,
        }
        for member, weight in zip(members, weights, strict=True)
    ]
    longest = max(member.window_length for member in members) / first.sampling_rate
    config = AudioClsEnsembleConfig(
        described,
        sampling_rate=first.sampling_rate,
        window_seconds=max(WINDOW_SECONDS, longest),
        **label_settings(first.labels, first.multi_label),
    )
    with torch.device("meta"):
        model = AudioClsEnsembleForAudioClassification(config)
    for number, member in enumerate(members):
        model.members[number] = member.model
    return model.eval()


def _plain(text: str) -> dict[str, Any]:
    """A member's settings, without where it lay, code that lay beside it, and the arithmetic of the whole."""
    settings = json.loads(text)
    return {name: value for name, value in settings.items() if name not in ("_name_or_path", "auto_map", "dtype")}
