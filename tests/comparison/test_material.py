"""The same clips at another sampling rate: in the same order, parts and groups."""

import numpy as np
import pytest
import soundfile

from audiocls.comparison.material import Material
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import DataError


def test_parts_order_and_groups_are_those_of_the_first_rate(tone_folder):
    config = TrainConfig(num_workers=1, seed=7, test_size=0.34)
    material = Material(str(tone_folder), config)
    other = material.at(8000)
    for part in ("train", "validation", "test"):
        first, second = getattr(material.audio, part), getattr(other, part)
        assert second.files == first.files
        assert second.groups == first.groups
        np.testing.assert_array_equal(second.targets, first.targets)
        np.testing.assert_allclose(second.lengths * 2, first.lengths, atol=2)
    assert other.sampling_rate == other.train.sampling_rate == 8000
    assert material.at(8000) is other
    assert material.at(16000) is material.audio


def test_what_is_at_hand_is_not_loaded_again(tone_folder):
    config = TrainConfig(num_workers=1)
    audio = load_audio_data(str(tone_folder), config)
    assert Material(str(tone_folder), config, audio).audio is audio


def test_a_clip_that_is_silent_at_the_other_rate_is_named(tone_folder, make_tone, tmp_path):
    for label in ("a", "b"):
        for clip in range(2):
            make_tone(tmp_path / label / f"{clip}.wav", hz=400 + 100 * clip)
    shrill = 0.5 * np.hanning(8000) * np.sin(2 * np.pi * 7000 / 16000 * np.arange(8000))
    soundfile.write(tmp_path / "a" / "shrill.wav", shrill.astype(np.float32), 16000, "FLOAT")
    with pytest.raises(DataError, match=r"a/shrill.wav cannot be used at 2000 Hz, only at 16000"):
        Material(str(tmp_path), TrainConfig(num_workers=1, test_size=0)).at(2000)
