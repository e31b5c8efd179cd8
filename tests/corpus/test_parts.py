import os

import pytest

from audiocls.corpus.parts import FAILED, Part, Parts, file_stamp
from audiocls.detection.event import Event

EVENTS = (Event(0.1, 1 / 3, "owl", 0.9, 0.7), Event(2.0, 3.0, 'größer, "x"', 0.5, 0.5))


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.wav")
    path.write_bytes(b"sound")
    return str(path)


def test_a_part_comes_back_as_it_was(tmp_path, recording):
    parts = Parts(tmp_path)
    part = Part(recording, file_stamp(recording), "ok", "note", 12.5, "2024-01-31T05:30:00", EVENTS, ("scores",))
    parts.write(part)
    assert parts.read(recording) == part
    assert list(parts) == [part]
    assert parts.finished(recording, ("scores",)) == part


def test_a_part_counts_while_the_file_is_the_same_and_all_that_is_wanted_was_made(tmp_path, recording):
    parts = Parts(tmp_path)
    parts.write(Part(recording, file_stamp(recording)))
    assert parts.finished(recording) is not None
    assert parts.finished(recording, ("timeline",)) is None
    os.utime(recording, (1, 1))
    assert parts.finished(recording) is None
    parts.drop_outdated(recording)
    assert parts.read(recording) is None


def test_a_recording_that_failed_is_tried_again_and_its_part_stays(tmp_path, recording):
    parts = Parts(tmp_path)
    parts.write(Part(recording, file_stamp(recording), FAILED, "damaged"))
    assert parts.finished(recording) is None
    parts.drop_outdated(recording)
    assert parts.read(recording).reason == "damaged"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 0}', b'{"version": 1, "events": 3}', b"\xff\xfe"])
def test_a_damaged_part_counts_as_absent(tmp_path, recording, damage):
    parts = Parts(tmp_path)
    parts.write(Part(recording, file_stamp(recording)))
    (path,) = parts.folder.glob("*.json")
    path.write_bytes(damage)
    assert parts.read(recording) is None
    assert list(parts) == []
