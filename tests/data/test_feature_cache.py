"""Features on disk: computed once, found again by content, never wrong when a file is damaged."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from audiocls.config import TrainConfig
from audiocls.data import feature_cache
from audiocls.data.dataset import load_audio_data
from audiocls.data.feature_cache import cached_features


@pytest.fixture
def clips(make_folder, config, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "cache"))
    return load_audio_data(str(make_folder(tmp_path / "data", low=4, high=4)), config).train


class Peaks:
    """A feature that counts how often it is asked for."""

    def __init__(self, clips):
        self.clips, self.asked = clips, []

    def __call__(self, indices):
        self.asked.append(list(indices))
        return (self.clips.waveform(i)[:5] for i in indices)


def same(found, clips):
    return all(np.array_equal(array, clips.waveform(i)[:5]) for i, array in enumerate(found))


def files(tmp_path):
    return sorted((tmp_path / "cache" / "features").rglob("*.safetensors"))


def test_features_are_computed_once_and_found_for_any_subset(clips):
    peaks = Peaks(clips)
    assert same(cached_features(clips, {"version": 1}, peaks), clips)
    part = clips.subset([3, 1])
    assert same(cached_features(part, {"version": 1}, Peaks(part)), part)
    assert same(cached_features(clips, {"version": 1}, peaks), clips)
    assert peaks.asked == [list(range(len(clips)))]


def test_only_what_is_missing_is_computed(clips):
    part = clips.subset([0, 2])
    cached_features(part, {}, Peaks(part))
    peaks = Peaks(clips)
    assert same(cached_features(clips, {}, peaks), clips)
    assert peaks.asked == [[i for i in range(len(clips)) if i not in (0, 2)]]


def test_another_key_is_another_feature(clips):
    cached_features(clips, {"bands": 20}, Peaks(clips))
    peaks = Peaks(clips)
    cached_features(clips, {"bands": 40}, peaks)
    assert peaks.asked


def test_a_clip_that_comes_twice_is_computed_once(clips):
    twice = clips.subset([1, 1])
    peaks = Peaks(twice)
    assert same(cached_features(twice, {}, peaks), twice)
    assert peaks.asked == [[0]]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_file_is_computed_anew(clips, tmp_path, damage):
    cached_features(clips, {}, Peaks(clips))
    (path,) = files(tmp_path)
    content = path.read_bytes()
    damaged = {"truncated": content[:-7], "flipped": content[:-3] + b"\xff" + content[-2:], "empty": b""}[damage]
    path.write_bytes(damaged)
    peaks = Peaks(clips)
    assert same(cached_features(clips, {}, peaks), clips)
    assert peaks.asked
    again = Peaks(clips)
    cached_features(clips, {}, again)
    assert not again.asked


def test_a_folder_that_cannot_be_made_does_not_stop_the_work(clips, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "file"))
    assert same(cached_features(clips, {}, Peaks(clips)), clips)


def test_an_interruption_keeps_what_was_computed_before_it(clips, monkeypatch):
    monkeypatch.setattr(feature_cache, "CLIPS_AT_ONCE", 2)

    def interrupted(indices):
        yield from (clips.waveform(i)[:5] for i in indices[:3])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_features(clips, {}, interrupted)
    peaks = Peaks(clips)
    assert same(cached_features(clips, {}, peaks), clips)
    assert peaks.asked == [list(range(2, len(clips)))]


def test_the_cache_stays_below_its_limit_by_forgetting_what_was_used_longest_ago(clips, tmp_path, monkeypatch):
    cached_features(clips, {"n": 1}, Peaks(clips))
    (oldest,) = files(tmp_path)
    monkeypatch.setattr(feature_cache, "MOST_BYTES", 2 * oldest.stat().st_size)
    cached_features(clips, {"n": 2}, Peaks(clips))
    second = next(path for path in files(tmp_path) if path != oldest)
    os.utime(oldest, (1, 1))
    os.utime(second, (2, 2))
    cached_features(clips, {"n": 1}, Peaks(clips))  # used again, so the second is now the oldest
    cached_features(clips, {"n": 3}, Peaks(clips))
    assert oldest in files(tmp_path)
    assert second not in files(tmp_path)


def _fill(source, number):
    clips = load_audio_data(source, TrainConfig(num_workers=1)).train
    part = clips.subset(np.roll(np.arange(len(clips)), number)[:4])
    return same(cached_features(part, {}, Peaks(part)), part)


def test_several_processes_fill_one_cache(clips, tmp_path):
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        assert all(pool.map(_fill, [str(tmp_path / "data")] * 4, range(4)))
    assert same(cached_features(clips, {}, Peaks(clips)), clips)
