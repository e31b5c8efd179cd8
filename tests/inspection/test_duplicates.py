import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocls.data.store import content_hash
from audiocls.inspection.duplicates import FINGERPRINT_RATE, MOST_SECONDS, Fingerprinter, find_duplicates
from audiocls.inspection.measures import measure


@pytest.fixture
def clips(everyday_sounds, tmp_path):
    """Twelve real clips; then a plain copy of the first, and the second again, softer, trimmed, in another format."""
    paths = sorted((everyday_sounds / "train" / "animal").glob("*.ogg"))[:6]
    paths += sorted((everyday_sounds / "train" / "water").glob("*.ogg"))[:6]
    shutil.copy(paths[0], tmp_path / "plain.ogg")
    samples, rate = soundfile.read(paths[1])
    soundfile.write(tmp_path / "other.mp3", 0.5 * samples[800:], rate)
    return [str(path) for path in [*paths, tmp_path / "plain.ogg", tmp_path / "other.mp3"]]


def duplicates(clips, sources):
    measured = [measure(path) for path in clips]
    prints, seconds = [one.fingerprint for one in measured], np.array([one.seconds for one in measured])
    return find_duplicates([content_hash(path) for path in clips], prints, seconds, sources)


def test_identical_and_similar_copies_are_found(clips):
    found = duplicates(clips, clips)
    assert found.identical == [(0, 12)]
    assert found.similar == [(1, 13)]
    assert found.sets[0] == found.sets[12] != found.sets[1] == found.sets[13]
    assert len(set(found.sets.tolist())) == 12


def test_clips_without_a_fingerprint_are_compared_by_content_only(clips):
    found = find_duplicates(["a", "b", "a"], [b"", b"", b""], np.ones(3), clips[:3])
    assert (found.identical, found.similar) == ([(0, 2)], [])


def test_sounds_without_a_file_are_read_through_their_function(clips):
    found = duplicates(clips, [Path(path).read_bytes for path in clips])
    assert found.similar == [(1, 13)]


def test_decoding_once_more_is_bounded_and_what_is_left_out_is_told(clips, monkeypatch):
    monkeypatch.setattr("audiocls.inspection.duplicates._MOST_TIMES", 0)
    monkeypatch.setattr("audiocls.inspection.duplicates._LEAST_SAMPLES", 1)
    found = duplicates(clips, clips)
    assert (found.identical, found.similar) == ([(0, 12)], [])
    assert found.unread > 0


def test_files_that_are_gone_are_no_copies(clips):
    assert duplicates(clips, [*clips[:13], "/nowhere.mp3"]).similar == []


@pytest.mark.parametrize("rate", [8000, 44100])
def test_blocks_give_the_waveform_of_the_whole(rate):
    samples = np.random.default_rng(0).normal(size=3 * rate).astype(np.float32)
    whole, pieces = Fingerprinter(rate), Fingerprinter(rate)
    whole.add(samples)
    for start in range(0, len(samples), 5000):
        pieces.add(samples[start : start + 5000])
    assert len(whole.waveform()) == pytest.approx(3 * FINGERPRINT_RATE, abs=2)
    length = min(len(whole.waveform()), len(pieces.waveform()))
    np.testing.assert_allclose(whole.waveform()[:length], pieces.waveform()[:length], atol=0.01)


def test_long_sounds_are_cut_so_that_memory_is_bounded():
    fingerprinter = Fingerprinter(1000)
    for _ in range(40):
        fingerprinter.add(np.ones(10_000, np.float32))
    assert fingerprinter.full
    assert len(fingerprinter.waveform()) == MOST_SECONDS * FINGERPRINT_RATE
