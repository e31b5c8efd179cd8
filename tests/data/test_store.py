import os
import pickle
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile

from audiocls.audio.decoding import decode
from audiocls.data import store as store_module
from audiocls.data.store import content_hash, open_store
from audiocls.errors import OutputError

RATE = 16000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path, make_tone):
    paths = [make_tone(tmp_path / f"{number}.wav", hz=200 + 50 * number, rate=22050) for number in range(5)]
    return {content_hash(str(path)): str(path) for path in paths}


@pytest.fixture
def decoded(monkeypatch):
    """The sources that were decoded, in order."""
    calls = []
    original = store_module.decode_noting
    monkeypatch.setattr(store_module, "decode_noting", lambda *args: calls.append(args[0]) or original(*args))
    return calls


@pytest.mark.parametrize("num_workers", [1, 3])
def test_waveforms_are_what_the_decoder_gives_to_the_bit(sources, num_workers):
    store = open_store("set", sources, RATE, num_workers)
    for content, path in sources.items():
        row = store.rows[content]
        expected = decode(path, RATE)
        assert store.waveform(row).dtype == np.float32
        np.testing.assert_array_equal(store.waveform(row), expected)
        np.testing.assert_array_equal(store.waveform(row, 100, 200), expected[100:200])
        np.testing.assert_array_equal(store.waveform(row, 4000, 10**9), expected[4000:])
        assert store.lengths[row] == len(expected)
        assert (store.lowest[row], store.highest[row]) == (expected.min(), expected.max())


def test_a_second_opening_decodes_nothing(sources, decoded, cache):
    open_store("set", sources, RATE, 1)
    assert len(decoded) == 5
    (file,) = cache.glob("*/*.arrow")
    written = file.stat().st_mtime_ns
    open_store("set", sources, RATE, 1)
    assert len(decoded) == 5
    assert file.stat().st_mtime_ns == written


def test_a_new_or_changed_file_is_the_only_one_decoded(sources, decoded, tmp_path, make_tone):
    before = open_store("set", sources, RATE, 1)
    decoded.clear()
    new = make_tone(tmp_path / "new.wav")
    more = {content_hash(str(new)): str(new), **sources}
    after = open_store("set", more, RATE, 1)
    assert decoded == [str(new)]
    for content in sources:
        np.testing.assert_array_equal(after.waveform(after.rows[content]), before.waveform(before.rows[content]))


def test_another_rate_is_another_store(sources, decoded):
    open_store("set", sources, RATE, 1)
    store = open_store("set", sources, 8000, 1)
    assert len(decoded) == 10
    assert store.sampling_rate == 8000
    assert store.lengths[0] == 2400


@pytest.mark.parametrize("damage", ["cut", "empty", "overwritten", "flipped", "garbage"])
def test_a_damaged_store_is_made_anew(sources, decoded, cache, damage):
    open_store("set", sources, RATE, 1)
    (file,) = cache.glob("*/*.arrow")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 0x10
    broken = {"cut": data[: len(data) // 2], "empty": b"", "garbage": b"x" * 999, "flipped": data}
    broken["overwritten"] = data[:5000] + bytes(3000) + data[8000:]
    file.write_bytes(bytes(broken[damage]))
    store = open_store("set", sources, RATE, 1)
    assert len(decoded) == 10
    for content, path in sources.items():
        np.testing.assert_array_equal(store.waveform(store.rows[content]), decode(path, RATE))


def test_only_the_last_two_stores_of_a_data_set_are_kept(sources, cache, tmp_path, make_tone):
    for number in range(4):
        new = make_tone(tmp_path / f"new{number}.wav")
        sources = {**sources, content_hash(str(new)): str(new)}
        open_store("set", sources, RATE, 1)
    assert len(list(cache.glob("*/*.arrow"))) == 2


def test_unreadable_clips_keep_their_reason_and_are_not_tried_again(tmp_path, decoded):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all, but text")
    sources = {content_hash(str(bad)): str(bad)}
    for _ in range(2):
        assert "not an audio file" in open_store("set", sources, RATE, 1).errors[0]
    assert len(decoded) == 1


def test_a_long_clip_among_short_ones_is_held_in_memory_once(tmp_path, sources):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, 600 * RATE).astype(np.float32), RATE)
    mixed = dict([*list(sources.items())[:3], (content_hash(str(path)), str(path)), *list(sources.items())[3:]])
    tracemalloc.start()
    store = open_store("set", mixed, RATE, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert store.lengths.sum() == 600 * RATE + 5 * 4800
    assert peak < 1.5 * 600 * RATE * 4


def test_encoded_bytes_may_come_from_a_function(sources):
    as_functions = {content: Path(path).read_bytes for content, path in sources.items()}
    from_functions, from_paths = open_store("one", as_functions, RATE, 2), open_store("two", sources, RATE, 2)
    for content in sources:
        np.testing.assert_array_equal(
            from_functions.waveform(from_functions.rows[content]), from_paths.waveform(from_paths.rows[content])
        )


def test_a_store_pickles_as_its_path(sources):
    store = open_store("set", sources, RATE, 1)
    data = pickle.dumps(store)
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data).waveform(0), store.waveform(0))  # noqa: S301 - our own bytes


def test_datasets_opens_the_file(sources, cache):
    store = open_store("set", sources, RATE, 1)
    (file,) = cache.glob("*/*.arrow")
    rows = datasets.Dataset.from_file(str(file))
    np.testing.assert_array_equal(np.frombuffer(rows[2]["waveform"], np.float32), store.waveform(2))


def test_a_full_disk_is_one_line_and_leaves_nothing(sources, cache):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OutputError) as caught:
            open_store("set", sources, RATE, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert "AUDIOCLS_CACHE" in str(caught.value)
    assert [path.name for path in cache.glob("*/*")] == ["lock"]


def test_a_cache_that_cannot_be_made_is_one_line(sources, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="AUDIOCLS_CACHE"):
        open_store("set", sources, RATE, 1)


def test_a_store_that_is_there_needs_no_right_to_write(sources, cache, monkeypatch):
    open_store("set", sources, RATE, 1)
    monkeypatch.setattr(store_module, "FileLock", lambda _: pytest.fail("took a lock"))
    assert len(open_store("set", sources, RATE, 1).rows) == 5


SLOW = """
import sys, time
from audiocls.data import store
original = store.decode_noting
def slow(*args):
    print("decoding", flush=True)
    time.sleep(float(sys.argv[1]))
    return original(*args)
store.decode_noting = slow
store.open_store("set", {store.content_hash(path): path for path in sys.argv[2:]}, 16000, 1)
"""


def start(sources, seconds):
    command = [sys.executable, "-c", SLOW, str(seconds), *sources.values()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ)


def test_two_processes_that_start_together_decode_once(sources):
    both = [start(sources, 0.1) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].count("decoding") for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(said) == [0, 5]


def test_a_kill_in_the_middle_leaves_no_store_and_the_next_run_makes_it(sources, cache):
    process = start(sources, 30)
    assert process.stdout.readline() == "decoding\n"
    deadline = time.monotonic() + 20
    while not list(cache.glob("*/*.partial")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    process.stdout.close()
    assert not list(cache.glob("*/*.arrow"))
    store = open_store("set", sources, RATE, 1)
    assert len(store.rows) == 5
    assert not list(cache.glob("*/*.partial"))


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    assert store_module.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("AUDIOCLS_CACHE")
    monkeypatch.setenv("HF_HOME", "/hub")
    assert store_module.cache_folder() == Path("/hub/audiocls")
