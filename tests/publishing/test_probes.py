"""The bundled sounds are real, short, free, and fit any model's rate and window."""

import csv
from pathlib import Path

import numpy as np
import pytest

from audiocls.errors import UsageError
from audiocls.publishing import probes
from audiocls.publishing.probes import probe_clips

FOLDER = Path(probes.__file__).parent / "probe_clips"


@pytest.mark.parametrize("rate", [4000, 16000, 44100, 48000])
def test_they_come_at_the_rate_of_the_model(rate):
    clips = probe_clips(rate, 30.0)
    assert len(clips) == 5
    for clip, reference in zip(clips, probe_clips(16000, 30.0), strict=True):
        assert clip.dtype == np.float32
        assert clip.ndim == 1
        assert len(clip) / rate == pytest.approx(len(reference) / 16000, abs=0.002)
        assert 0.1 < np.abs(clip).max() <= 1.2
        assert 0.1 < len(clip) / rate <= 1.5


@pytest.mark.parametrize(("rate", "samples"), [(16000, 800), (44100, 2205), (48000, 12345), (8000, 160)])
def test_they_are_cut_to_the_window_where_they_are_loudest(rate, samples):
    whole = probe_clips(rate, 30.0)
    for clip, long in zip(probe_clips(rate, samples / rate), whole, strict=True):
        assert len(clip) == samples
        energy = np.convolve(long.astype(np.float64) ** 2, np.ones(samples), "valid")
        assert (clip.astype(np.float64) ** 2).sum() > 0.4 * energy.max()


def test_no_time_is_refused():
    with pytest.raises(UsageError, match=r"max_seconds is 0; it must be more than 0"):
        probe_clips(16000, 0)


def test_each_names_its_source_and_a_free_licence():
    with open(FOLDER / "ATTRIBUTION.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in FOLDER.iterdir()} - {"ATTRIBUTION.csv"}
    assert {row["licence"] for row in rows} == {"CC0-1.0"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 150_000
