"""Recordings that are longer than they say, of programs here and elsewhere: nobody is told less without a word."""

import asyncio
import io
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import soundfile
from gradio import Error

from audiocls.audio.decoding import probe
from audiocls.ui.api import functions
from audiocls.ui.api.functions import Endpoints
from audiocls.ui.context import AppContext
from audiocls.ui.recording import search
from audiocls.ui.serving.visitors import Rights
from audiocls.ui.shelf import ModelShelf

FIELD = Path(__file__).parents[3] / "data" / "field_recordings" / "field_0.ogg"
PART_SECONDS = 12
LIMIT_SECONDS = PART_SECONDS + 2.0
HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"


@pytest.fixture
def recording(tmp_path):
    """Two parts of a real recording in one file, whose header tells of the first alone."""
    waveform, rate = soundfile.read(FIELD, dtype="float32")
    path = tmp_path / "chained.ogg"
    with path.open("wb") as file:
        for number in range(2):
            written = io.BytesIO()
            part = waveform[number * PART_SECONDS * rate : (number + 1) * PART_SECONDS * rate]
            soundfile.write(written, part, rate, "VORBIS", format="OGG")
            file.write(written.getvalue())
    assert probe(path).seconds == pytest.approx(PART_SECONDS, abs=0.1)
    return path


@pytest.fixture
def detect(classifier, recording, monkeypatch):
    """The rows that a program gets from an app with a small limit."""
    monkeypatch.setattr(functions, "LONGEST_RECORDING_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(search, "BLOCK_SECONDS", 1.0)

    def detected(client):
        endpoints = Endpoints(AppContext(ModelShelf(classifier, "model", runs=None), Rights(local=True)))
        request = SimpleNamespace(headers=httpx.Headers({"host": "127.0.0.1"}), client=SimpleNamespace(host=client))
        return asyncio.run(endpoints.detect({"path": str(recording)}, "", 0.2, 0.05, None, request))

    return detected


def test_a_program_of_this_machine_is_told_of_all_of_a_recording(detect):
    rows = detect(HERE)
    assert max(row["end_seconds"] for row in rows) > LIMIT_SECONDS + 5
    assert not any("note" in row for row in rows)


def test_one_from_elsewhere_is_told_that_the_rest_was_not_heard(detect):
    *rows, last = detect(ELSEWHERE)
    assert rows
    assert all(row["end_seconds"] < LIMIT_SECONDS + 2 for row in rows)
    assert list(last) == ["note"]
    assert "what comes later was not heard" in last["note"]


def test_what_its_header_says_to_be_too_long_is_refused_elsewhere_alone(detect, monkeypatch):
    monkeypatch.setattr(functions, "LONGEST_RECORDING_SECONDS", PART_SECONDS - 2.0)
    assert detect(HERE)
    with pytest.raises(Error, match="the limit is"):
        detect(ELSEWHERE)


def test_a_recording_within_the_limit_has_events_alone(detect, monkeypatch):
    monkeypatch.setattr(functions, "LONGEST_RECORDING_SECONDS", 3 * PART_SECONDS)
    assert detect(ELSEWHERE) == detect(HERE)
