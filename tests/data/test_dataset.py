import os
import pickle
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data import store
from audiocls.data.dataset import load_audio_data, load_labelled_clips
from audiocls.data.listing import Skipped
from audiocls.errors import DataError

RATE = 16000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch, request):
    if "everyday_sounds" not in request.fixturenames:  # those share the session's cache
        monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "cache"))


def write(path, samples, rate=RATE, subtype="FLOAT"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(samples, np.float32), rate, subtype=subtype)
    return path


def parts(data):
    return {"train": data.train, "validation": data.validation, "test": data.test}


def all_files(data):
    return [file for clips in parts(data).values() for file in clips.files]


def test_the_bundled_sounds_keep_their_parts_and_groups(everyday_sounds, config):
    data = load_audio_data(str(everyday_sounds), config)
    assert data.name == "everyday_sounds"
    assert data.labels == ["animal", "drum", "metal", "music", "speech", "water", "wood"]
    assert data.skipped == []
    assert not data.multi_label
    assert all(file.startswith("test/") for file in data.test.files)
    assert all(file.startswith("train/") for file in data.train.files + data.validation.files)
    assert len(data.test) == 70
    assert len(data.train) + len(data.validation) == 209
    assert len(data.validation) == pytest.approx(config.validation_size * 209, abs=2)
    assert not set(data.train.groups) & set(data.validation.groups)
    for clips in parts(data).values():
        assert set(clips.targets) == set(range(7))
        assert clips.targets.dtype == np.int64
        for file, target in zip(clips.files, clips.targets, strict=True):
            assert file.split("/")[1] == data.labels[target]
    assert data.split_note == (
        "The data's own train and test parts. 10% of the training clips (whole groups) were held out for validation."
    )
    assert "CC0-1.0 (40)" in data.attribution


def test_waveforms_are_read_from_the_map_and_equal_the_decoder(everyday_sounds, config):
    clips = load_audio_data(str(everyday_sounds), config).test
    expected = decode(everyday_sounds / clips.files[3], RATE)
    np.testing.assert_array_equal(clips.waveform(3), expected)
    np.testing.assert_array_equal(clips.waveform(3, 500, 900), expected[500:900])
    assert clips.lengths[3] == len(expected)
    assert not clips.waveform(3).flags.writeable
    assert not clips.waveform(3).flags.owndata
    subset = clips.subset([5, 3])
    assert subset.files == [clips.files[5], clips.files[3]]
    assert subset.groups == [clips.groups[5], clips.groups[3]]
    assert subset.targets.tolist() == clips.targets[[5, 3]].tolist()
    np.testing.assert_array_equal(subset.waveform(1), expected)
    again = pickle.loads(pickle.dumps(subset))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.waveform(1), expected)


def test_a_second_load_decodes_nothing_and_gives_the_same(everyday_sounds, config, monkeypatch):
    first = load_audio_data(str(everyday_sounds), config)
    monkeypatch.setattr(store, "decode_noting", lambda *_: pytest.fail("decoded again"))
    second = load_audio_data(str(everyday_sounds), config)
    for part, clips in parts(first).items():
        assert clips.files == parts(second)[part].files


def test_a_folder_without_parts_is_divided_class_by_class(tmp_path, make_folder, config):
    data = load_audio_data(str(make_folder(tmp_path / "in", dog=20, cat=10)), config)
    assert np.bincount(data.test.targets).tolist() == [2, 4]
    assert np.bincount(data.validation.targets).tolist() == [1, 2]
    assert sorted(all_files(data)) == sorted(
        f"{c}/{c}_{i}.wav" for c, n in (("dog", 20), ("cat", 10)) for i in range(n)
    )
    assert data.warnings == []
    assert "20% of the clips were set aside for testing" in data.split_note
    other = load_audio_data(str(tmp_path / "in"), TrainConfig(seed=7))
    assert sorted(other.test.files) != sorted(data.test.files)
    bigger = load_audio_data(str(tmp_path / "in"), TrainConfig(test_size=0.5, validation_size=0))
    assert (len(bigger.test), len(bigger.validation)) == (15, 0)


def test_groups_are_kept_on_one_side(tmp_path, make_tone, config):
    for number in range(24):
        make_tone(tmp_path / "in" / "ab"[number % 2] / f"speaker{number % 8}_{number}.wav", hz=100 + 30 * number)
    data = load_audio_data(str(tmp_path / "in"), TrainConfig(group_regex=r"speaker\d"))
    sides = [set(clips.groups) for clips in parts(data).values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 8
    assert "groups from file names" in data.split_note


def test_two_classes_of_three_clips_still_train(tmp_path, make_folder, config):
    data = load_audio_data(str(make_folder(tmp_path / "in", dog=3, cat=3)), config)
    assert (len(data.train), len(data.validation), len(data.test)) == (4, 0, 2)
    assert sorted(data.test.targets) == [0, 1]
    assert any("validation" in warning for warning in data.warnings)
    assert len(data.validation.subset([])) == 0


def test_a_class_with_too_few_clips_is_named(tmp_path, make_folder, config):
    with pytest.raises(DataError, match="class cat has only 1 usable clip; at least 2"):
        load_audio_data(str(make_folder(tmp_path / "one", dog=5, cat=1)), config)
    data = load_audio_data(str(make_folder(tmp_path / "two", dog=5, cat=2)), config)
    assert any("class cat has only 2 clips" in warning for warning in data.warnings)
    with pytest.raises(DataError, match="5 clips of class cat are all in one group"):
        load_audio_data(str(make_folder(tmp_path / "grouped", dog=5, cat=5)), TrainConfig(group_regex="cat|dog_[0-9]+"))


def test_one_class_is_refused_with_the_expected_layout(tmp_path, make_folder, config):
    with pytest.raises(DataError, match=r"only one class .* dog; .* folder for each class"):
        load_audio_data(str(make_folder(tmp_path / "in", dog=5)), config)


def test_copies_stay_together_and_are_named(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=8, cat=8)
    for number in range(6):
        shutil.copy(root / "dog" / "dog_0.wav", root / "dog" / f"same_{number}.wav")
    softer = decode(root / "cat" / "cat_0.wav", RATE) * 0.3
    write(root / "cat" / "softer.wav", np.pad(softer, (800, 0)))
    for seed in range(4):
        data = load_audio_data(str(root), TrainConfig(seed=seed))
        for clips in parts(data).values():
            assert sum("same_" in file or "dog_0" in file for file in clips.files) in (0, 7)
            assert ("cat/softer.wav" in clips.files) == ("cat/cat_0.wav" in clips.files)
    assert any("7 clips are copies" in warning for warning in data.warnings)
    group = data.train.groups + data.validation.groups + data.test.groups
    assert group.count("copies of dog/dog_0.wav") == 7


def test_copies_across_given_parts_are_refused_with_their_names(tmp_path, make_folder, config):
    for part in ("train", "test"):
        make_folder(tmp_path / "in" / part, dog=4, cat=4)
    shutil.copy(tmp_path / "in/train/dog/dog_1.wav", tmp_path / "in/test/dog/leak.wav")
    with pytest.raises(DataError, match=r"1 pair of clips in different parts .*--allow_leaks") as caught:
        load_audio_data(str(tmp_path / "in"), config)
    assert "test/dog/leak.wav = train/dog/dog_1.wav" in str(caught.value)
    for clip in range(4):
        softer = 0.3 * soundfile.read(tmp_path / f"in/train/cat/cat_{clip}.wav")[0]
        write(tmp_path / f"in/test/cat/softer_{clip}.wav", softer)
    with pytest.raises(DataError, match=r"5 pairs of clips .* and 2 more; move them to one part") as caught:
        load_audio_data(str(tmp_path / "in"), config)
    assert "\n" not in str(caught.value)


def test_copies_across_given_parts_are_named_and_not_moved_when_leaks_are_allowed(tmp_path, make_folder):
    for part in ("train", "test"):
        make_folder(tmp_path / "in" / part, dog=4, cat=4)
    shutil.copy(tmp_path / "in/train/dog/dog_1.wav", tmp_path / "in/test/dog/leak.wav")
    data = load_audio_data(str(tmp_path / "in"), TrainConfig(num_workers=1, allow_leaks=True))
    assert "test/dog/leak.wav" in data.test.files
    (warning,) = [warning for warning in data.warnings if "two parts" in warning]
    assert "test/dog/leak.wav = train/dog/dog_1.wav" in warning


def test_groups_that_cross_given_parts_are_a_warning(tmp_path, make_folder):
    for part in ("train", "test"):
        make_folder(tmp_path / "in" / part, dog=4, cat=4)
    data = load_audio_data(str(tmp_path / "in"), TrainConfig(num_workers=1, group_regex=r"(\w+_\d)"))
    assert any("groups in more than one part" in warning for warning in data.warnings)


def test_copies_with_different_labels_are_named(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=4, cat=4)
    shutil.copy(root / "dog" / "dog_1.wav", root / "cat" / "oops.wav")
    data = load_audio_data(str(root), config)
    assert any("different labels" in w and "cat/oops.wav = dog/dog_1.wav" in w for w in data.warnings)


def test_a_class_of_one_sound_over_and_over_is_refused_unless_leaks_are_allowed(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=6)
    time = np.arange(RATE) / RATE
    for number in range(6):
        write(root / "beep" / f"{number}.wav", (0.2 + 0.1 * number) * np.sin(2 * np.pi * 1000 * time + number))
    with pytest.raises(DataError, match=r"all 6 clips of class beep sound nearly the same.*--allow_leaks"):
        load_audio_data(str(root), config)
    data = load_audio_data(str(root), TrainConfig(num_workers=1, allow_leaks=True))
    assert np.bincount(data.test.targets).min() >= 1
    assert any("class beep sound nearly the same" in warning for warning in data.warnings)


def test_a_class_whose_clips_are_all_in_one_group_is_refused(tmp_path, make_folder):
    root = make_folder(tmp_path / "in", dog=6, cat=6)
    with pytest.raises(DataError, match=r"the 6 clips of class cat are all in one group.*add clips of another group"):
        load_audio_data(str(root), TrainConfig(num_workers=1, group_regex="cat|dog_[0-3]"))


def test_a_class_of_one_file_copied_is_refused(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=6, cat=1)
    shutil.copy(root / "cat" / "cat_0.wav", root / "cat" / "copy.wav")
    with pytest.raises(DataError, match="2 clips of class cat are all in one group"):
        load_audio_data(str(root), config)


def test_bad_files_are_skipped_with_their_reason_and_the_rest_trains(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=6, cat=6)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    (root / "dog" / "empty.wav").write_bytes(b"")
    (root / "dog" / "text.wav").write_text("hello")
    write(root / "dog" / "silent.wav", np.zeros(RATE))
    write(root / "dog" / "almost silent.wav", noise * 1e-5)
    write(root / "dog" / "constant.wav", np.full(RATE, 0.25))
    write(root / "dog" / "nan.wav", np.where(np.arange(RATE) == 9, np.nan, noise))
    write(root / "cat" / "two samples.wav", [0.5, -0.5])
    write(root / "cat" / "9 ms.wav", noise[:150])
    write(root / "cat" / "11 ms.wav", noise[:176])
    (root / "cat" / "dangling.wav").symlink_to("nowhere.wav")
    cut = write(root / "cat" / "cut.wav", noise)
    cut.write_bytes(cut.read_bytes()[:40000])
    data = load_audio_data(str(root), config)
    assert data.skipped == [
        Skipped("cat/9 ms.wav", "shorter than 10 ms"),
        Skipped("cat/dangling.wav", "the file cannot be opened: no such file or directory"),
        Skipped("cat/two samples.wav", "shorter than 10 ms"),
        Skipped("dog/almost silent.wav", "silent (nowhere above -90 dBFS)"),
        Skipped("dog/constant.wav", "constant (an offset without sound)"),
        Skipped("dog/empty.wav", "the file is empty (0 bytes)"),
        Skipped("dog/nan.wav", "it holds samples that are not numbers (NaN or infinite)"),
        Skipped("dog/silent.wav", "silent (nowhere above -90 dBFS)"),
        Skipped("dog/text.wav", "not an audio file (or of a kind that cannot be read)"),
    ]
    assert len(all_files(data)) == 14
    assert {"cat/11 ms.wav", "cat/cut.wav"} <= set(all_files(data))
    assert [warning for warning in data.warnings if "cut" in warning] == [
        "1 file is cut off and used as far as it goes: cat/cut.wav"
    ]
    with pytest.raises(DataError, match=r"^strict: 9 files cannot be used: .*shorter than 10 ms.* and 6 more$"):
        load_audio_data(str(root), TrainConfig(strict=True))


def test_every_file_is_either_in_a_part_or_skipped(tmp_path, make_folder, make_tone, config):
    root = make_folder(tmp_path / "in", dog=4, cat=4)
    make_tone(root / "loose.wav")
    (root / "dog" / "bad.mp3").write_bytes(b"bad")
    data = load_audio_data(str(root), config)
    everything = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert set(all_files(data)) | {skipped.file for skipped in data.skipped} == everything


def test_a_class_that_loses_all_its_files_is_named(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=4, cat=4)
    for number in range(3):
        write(root / "ghost" / f"{number}.wav", np.zeros(RATE))
    data = load_audio_data(str(root), config)
    assert data.labels == ["cat", "dog"]
    assert "class ghost is left out: none of its files can be used" in data.warnings
    shutil.rmtree(root / "cat")
    with pytest.raises(DataError, match="only one class with usable clips, dog"):
        load_audio_data(str(root), config)
    shutil.rmtree(root / "dog")
    with pytest.raises(DataError, match=r"none of the 3 files can be used; ghost/0.wav: silent"):
        load_audio_data(str(root), config)


def test_a_very_long_file_among_short_ones_is_kept_and_named(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=4, cat=4)
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(root / "dog" / "long.flac", "w", 8000, 1) as file:
        for _ in range(11):
            file.write(rng.uniform(-0.1, 0.1, 60 * 8000))
    data = load_audio_data(str(root), config)
    assert "dog/long.flac" in all_files(data)
    assert any("dog/long.flac (11 min)" in warning for warning in data.warnings)


def test_several_labels_a_clip(tmp_path, make_tone, config):
    rows = ["file_name,labels"]
    for number in range(20):
        make_tone(tmp_path / "in" / f"{number}.wav", hz=200 + 40 * number)
        rows.append(f"{number}.wav,{['dog', 'cat', 'dog|cat', 'cat|bird'][number % 4]}")
    (tmp_path / "in" / "metadata.csv").write_text("\n".join(rows))
    data = load_audio_data(str(tmp_path / "in"), config)
    assert data.multi_label
    assert data.labels == ["bird", "cat", "dog"]
    assert data.train.targets.dtype == np.float32
    assert data.train.targets.shape == (len(data.train), 3)
    assert set(map(tuple, data.train.targets)) == {(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 1, 0)}
    assert all(clips.targets.any(axis=0).all() for clips in parts(data).values() if len(clips))


def test_odd_given_parts(tmp_path, make_folder, config):
    make_folder(tmp_path / "a" / "train", dog=4, cat=4)
    make_folder(tmp_path / "a" / "test", dog=4, cat=4, bird=4)
    with pytest.raises(DataError, match="class bird has no training clip"):
        load_audio_data(str(tmp_path / "a"), config)
    make_folder(tmp_path / "b" / "test", dog=4, cat=4)
    with pytest.raises(DataError, match="only test clips"):
        load_audio_data(str(tmp_path / "b"), config)
    make_folder(tmp_path / "c" / "train", dog=4, cat=4)
    make_folder(tmp_path / "c" / "test", dog=4)
    data = load_audio_data(str(tmp_path / "c"), config)
    assert "the test part has no clips of class cat" in data.warnings
    make_folder(tmp_path / "d" / "train", dog=10, cat=10)
    make_folder(tmp_path / "d" / "val", dog=2, cat=2)
    data = load_audio_data(str(tmp_path / "d"), config)
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 4)


def test_clips_without_a_part_among_given_parts_train_and_are_named(tmp_path, make_tone, config):
    rows = ["file_name,label,split"]
    for number in range(12):
        make_tone(tmp_path / "in" / f"{number}.wav", hz=200 + 40 * number)
        rows.append(f"{number}.wav,{'ab'[number % 2]},{['train', 'train', 'test', ''][number // 2 % 4]}")
    (tmp_path / "in" / "metadata.csv").write_text("\n".join(rows))
    data = load_audio_data(str(tmp_path / "in"), config)
    assert sorted(data.test.files) == ["4.wav", "5.wav"]
    assert "clips without a part count as training clips: 6.wav, 7.wav" in data.warnings


def test_clips_to_test_a_model_on_follow_its_labels(tmp_path, make_folder, config):
    root = make_folder(tmp_path / "in", dog=1, cat=2)
    data = load_labelled_clips(str(root), config, ["zebra", "dog", "cat"], multi_label=False)
    assert data.test.files == ["cat/cat_0.wav", "cat/cat_1.wav", "dog/dog_0.wav"]
    assert data.test.targets.tolist() == [2, 2, 1]
    assert (len(data.train), len(data.validation)) == (0, 0)
    with pytest.raises(DataError, match="does not know class cat; it knows dog, wolf"):
        load_labelled_clips(str(root), config, ["dog", "wolf"], multi_label=False)
    for part in ("train", "test"):
        make_folder(tmp_path / "parts" / part, dog=2)
    data = load_labelled_clips(str(tmp_path / "parts"), config, ["dog", "cat"], multi_label=True)
    assert data.test.files == ["test/dog/dog_0.wav", "test/dog/dog_1.wav"]
    assert data.test.targets.tolist() == [[1, 0], [1, 0]]
    assert data.split_note == "The data's own test part."


def test_loading_works_in_a_thread_with_several_workers(tmp_path, make_folder):
    root = make_folder(tmp_path / "in", dog=6, cat=6)
    result = []
    thread = threading.Thread(target=lambda: result.append(load_audio_data(str(root), TrainConfig(num_workers=4))))
    thread.start()
    thread.join(60)
    assert len(all_files(result[0])) == 12


def test_names_of_any_kind_come_through(tmp_path, make_folder, make_tone, config):
    root = make_folder(tmp_path / "my 'data' 🎧", dog=3)
    for name in ("a b.wav", "q\"uo'te.wav", "🐈.wav", "line\nbreak.wav"):
        make_tone(root / "cat" / name)
    (root / "cat" / "bad\nname.wav").write_bytes(b"")
    data = load_audio_data(str(root), config)
    assert "cat/line\nbreak.wav" in all_files(data)
    assert data.skipped == [Skipped("cat/bad\nname.wav", "the file is empty (0 bytes)")]
    with pytest.raises(DataError) as caught:
        load_audio_data(str(root), TrainConfig(strict=True))
    assert "\n" not in str(caught.value)


def test_the_division_depends_on_names_and_not_on_the_place(tmp_path, make_folder, config):
    first = load_audio_data(str(make_folder(tmp_path / "in", dog=9, cat=9)), config)
    shutil.copytree(tmp_path / "in", tmp_path / "moved")
    second = load_audio_data(str(tmp_path / "moved"), config)
    for part, clips in parts(first).items():
        assert parts(second)[part].files == clips.files


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(2, 6), min_size=2, max_size=4), st.integers(0, 5), st.booleans())
def test_any_small_folder_is_divided_whole(tmp_path_factory, make_folder, sizes, seed, grouped):
    root = tmp_path_factory.mktemp("data")
    make_folder(root, **{f"class{number}": size for number, size in enumerate(sizes)})
    config = TrainConfig(seed=seed, num_workers=1, group_regex=r"_[01]|_\d" if grouped else None)
    data = load_audio_data(str(root), config)
    files = all_files(data)
    assert len(files) == len(set(files)) == sum(sizes)
    for clips in (data.train, data.test):
        assert set(clips.targets) == set(range(len(sizes)))
    if grouped:
        sides = [set(clips.groups) for clips in parts(data).values()]
        assert sum(map(len, sides)) == len(set.union(*sides))


def test_finding_and_decoding_need_neither_torch_nor_datasets(everyday_sounds):
    code = (
        "import sys; from audiocls.config import TrainConfig; from audiocls.data.dataset import load_audio_data\n"
        f"load_audio_data({str(everyday_sounds)!r}, TrainConfig())\n"
        "print([name for name in ('torch', 'datasets', 'sklearn', 'av', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
