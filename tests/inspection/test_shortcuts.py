import dataclasses

import numpy as np
import pytest

from audiocls.inspection.measures import Measures
from audiocls.inspection.records import SCHEMA, Columns
from audiocls.inspection.shortcuts import TOGETHER, find_shortcuts


def columns(**measures):
    """Measures that are all equal but those given."""
    import pyarrow as pa

    count = len(next(iter(measures.values())))
    rows = []
    for clip in range(count):
        row = dataclasses.asdict(Measures(seconds=1.0, sampling_rate=16000, channels=1, format="WAV PCM_16"))
        rows.append({"file": str(clip), "stamp": "", "content": str(clip), **row})
        rows[-1].update({name: values[clip] for name, values in measures.items()})
    return Columns(pa.Table.from_pylist(rows, SCHEMA))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def found(*arguments, **options):
    return {one.name: one for one in find_shortcuts(*arguments, **options)}


def test_a_property_that_follows_the_class_is_a_shortcut_and_others_are_not(rng):
    targets = np.arange(240) % 4
    clips = columns(
        loudness=(-40 + 6.0 * targets + rng.normal(size=240)).tolist(),
        seconds=rng.uniform(1, 2, 240).tolist(),
        format=["WAV PCM_16" if target < 2 else "OGG VORBIS" for target in targets],
    )
    shortcuts = found(clips, targets, np.arange(240))
    assert shortcuts["loudness"].accuracy > 0.9
    assert shortcuts["format"].accuracy == pytest.approx(0.5, abs=0.1)
    assert shortcuts["duration"].interval[0] < 0.25 < shortcuts["duration"].interval[1]
    assert shortcuts[TOGETHER].accuracy > 0.9
    assert "channels" not in shortcuts  # the same for all
    assert all(one.chance == 0.25 for one in shortcuts.values())
    assert shortcuts["loudness"].skill > 0.85


def test_groups_stay_whole(rng):
    """Each group has its own loudness and one class: told by clip that names the class, told by group it does not."""
    groups = np.repeat(np.arange(60), 6)
    targets = rng.permutation(np.arange(60) % 2)[groups]
    clips = columns(loudness=(rng.permutation(60)[groups] * 1.0 + 0.01 * rng.normal(size=360)).tolist())
    assert found(clips, targets, np.arange(360))["loudness"].accuracy > 0.9
    apart = found(clips, targets, groups)["loudness"]
    assert apart.interval[0] < 0.5
    assert apart.num_sets == 60


def test_several_labels_a_clip(rng):
    targets = rng.random((200, 3)) < 0.5
    clips = columns(loudness=(-30 + 10.0 * targets[:, 1] + rng.normal(size=200)).tolist())
    one = found(clips, targets, np.arange(200))["loudness"]
    assert one.chance == 0.5
    assert one.accuracy == pytest.approx(2 / 3, abs=0.08)  # one label of three is told, the others are guessed


def test_classes_in_a_single_group_are_left_out(rng):
    targets = np.repeat([0, 1, 2], 40)
    sets = np.concatenate([np.zeros(40), np.arange(1, 81)]).astype(np.int64)
    one = found(columns(loudness=rng.normal(size=120).tolist()), targets, sets)["loudness"]
    assert one.chance == 0.5
    assert found(columns(loudness=[1.0, 2.0]), np.array([0, 1]), np.arange(2)) == {}
    assert found(columns(loudness=[1.0, 2.0, 3.0]), np.zeros(3, np.int64), np.arange(3)) == {}


def test_equal_seeds_give_equal_numbers(rng):
    clips, targets = columns(loudness=rng.normal(size=90).tolist()), np.arange(90) % 3
    assert find_shortcuts(clips, targets, np.arange(90), seed=1) == find_shortcuts(
        clips, targets, np.arange(90), seed=1
    )
