"""Measurements are kept, gone on with, and made again where files changed."""

import os
import shutil

import pytest

from audiocls.data.listing import Item, Listing
from audiocls.data.sources import find_source
from audiocls.errors import OutputError
from audiocls.inspection import scan
from audiocls.inspection.measures import measure
from audiocls.inspection.scan import measurements, records_folder


@pytest.fixture
def count(monkeypatch):
    """How many clips are measured."""
    calls = []

    def counted(source):
        calls.append(source)
        return measure(source)

    monkeypatch.setattr(scan, "measure", counted)
    return calls


def scanned(root):
    return measurements(find_source(str(root)), str(root), num_workers=1)


def test_a_second_call_measures_only_what_changed(tmp_path, make_folder, make_tone, count):
    make_folder(tmp_path, low=3, high=3)
    first = scanned(tmp_path)
    assert len(count) == 6
    again = scanned(tmp_path)
    assert len(count) == 6
    assert again["loudness"].tolist() == first["loudness"].tolist()
    make_tone(tmp_path / "low" / "low_1.wav", seconds=0.7)  # changed
    make_tone(tmp_path / "low" / "new.wav")
    (tmp_path / "high" / "high_0.wav").unlink()
    changed = scanned(tmp_path)
    assert len(count) == 8
    assert len(changed) == 6
    assert changed["seconds"].max() == pytest.approx(0.7)


def test_an_interrupted_scan_goes_on(tmp_path, make_folder, monkeypatch, count):
    make_folder(tmp_path, low=20, high=20)
    monkeypatch.setattr(scan, "BATCH_CLIPS", 5)

    def stopping(source):
        if len(count) == 23:
            raise KeyboardInterrupt
        count.append(source)
        return measure(source)

    monkeypatch.setattr(scan, "measure", stopping)
    with pytest.raises(KeyboardInterrupt):
        scanned(tmp_path)
    before = len(count)
    monkeypatch.setattr(scan, "measure", lambda source: count.append(source) or measure(source))
    assert len(scanned(tmp_path)) == 40
    assert 17 <= len(count) - before <= 22  # those in flight when it stopped are measured again


def test_a_killed_scan_leaves_parts_and_damage_costs_only_its_part(tmp_path, make_folder, monkeypatch, count):
    make_folder(tmp_path, low=6, high=6)
    monkeypatch.setattr(scan, "BATCH_CLIPS", 4)
    monkeypatch.setattr("audiocls.inspection.records.Records.columns", lambda self, keys: None)  # killed before the end
    scanned(tmp_path)
    monkeypatch.undo()
    parts = sorted(records_folder(find_source(str(tmp_path)), str(tmp_path)).rglob("*.arrow"))
    assert len(parts) == 3
    parts[0].write_bytes(parts[0].read_bytes()[:-100])
    shutil.copy(parts[1], parts[1].with_name(".half.arrow.partial"))
    calls = []
    monkeypatch.setattr(scan, "measure", lambda source: calls.append(source) or measure(source))
    assert len(scanned(tmp_path)) == 12
    assert len(calls) == 4
    assert len(list(parts[0].parent.glob("*.arrow"))) == 1  # one file when all is done


def test_sounds_without_a_file_are_known_by_their_content(tmp_path, make_tone, count):
    sounds = [make_tone(tmp_path / f"{n}.wav").read_bytes() for n in range(3)]

    def listing():
        items = [Item(f"train/{n}", lambda n=n: sounds[n], ("a",)) for n in range(3)]
        return Listing(items=items, labels={"a"}, name="rows")

    measurements(listing(), "user/rows", 1)
    assert len(count) == 3
    sounds[1] = make_tone(tmp_path / "other.wav").read_bytes()
    assert len(measurements(listing(), "user/rows", 1)) == 3
    assert len(count) == 4


def test_files_that_cannot_be_opened_are_a_row_with_a_reason(tmp_path, make_folder):
    make_folder(tmp_path, low=2)
    listing = find_source(str(tmp_path))
    os.unlink(listing.items[0].source)
    assert "no such file" in measurements(listing, str(tmp_path), 1)["error"][0]


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path, make_folder, monkeypatch):
    make_folder(tmp_path / "data", low=2)
    (tmp_path / "file").touch()
    monkeypatch.setenv("AUDIOCLS_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="AUDIOCLS_CACHE"):
        scanned(tmp_path / "data")
