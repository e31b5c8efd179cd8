import struct
from datetime import datetime

import numpy as np
import pytest
import soundfile

from audiocls.corpus.recording_times import (
    forget_tables,
    parse_time,
    recorded_at,
    time_in_header,
    time_in_name,
    time_in_table,
)
from audiocls.corpus.wav_remarks import WavRemarks, wav_remarks

DAWN = datetime(2024, 1, 31, 5, 30)


@pytest.mark.parametrize(
    "name",
    [
        "20240131_053000.WAV",
        "REC_2024-01-31_05-30-00.wav",
        "SM4_20240131_053000.wav",
        "SM4_12345678_20240131_053000.wav",
        "S4A03895_20240131_053000.flac",
        "20240131T053000+0100_site.flac",
        "site_2024-01-31 05:30:00.mp3",
        "2024-01-31/05-30-00.wav",
        "20240131_0530.wav",
        "5678.240131053000.wav",
        "240131_053000.wav",
        "65B9DAD8.WAV",
    ],
)
def test_times_in_the_names_that_recorders_give(name):
    assert time_in_name("sites/" + name) == DAWN


@pytest.mark.parametrize(
    "name",
    ["20241331_053000.wav", "20240131.wav", "clip_17.wav", "1-100032-A-0.wav", "DEADBEEF.wav", "20240131_993000"],
)
def test_numbers_that_are_no_time_are_not_taken_for_one(name):
    assert time_in_name(name) is None


def with_chunks(path, *chunks):
    """A WAV file with these chunks between its format and its sound."""
    soundfile.write(path, np.zeros(160, np.float32), 16000, "PCM_16")
    plain = path.read_bytes()
    added = b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2) for name, content in chunks
    )
    body = plain[:36] + added + plain[36:]
    path.write_bytes(body[:4] + struct.pack("<I", len(body) - 8) + body[8:])
    assert soundfile.info(path).frames == 160
    return path


def test_the_comment_of_an_audiomoth(tmp_path):
    comment = b"Recorded at 05:30:00 31/01/2024 (UTC-5) by AudioMoth 24F319016037E8A2 at medium gain\0"
    info = b"INFO" + b"IART" + struct.pack("<I", 3) + b"Me\0\0" + b"ICMT" + struct.pack("<I", len(comment)) + comment
    path = with_chunks(tmp_path / "a.wav", (b"LIST", info))
    assert wav_remarks(path).comment.startswith("Recorded at 05:30:00")
    assert recorded_at(str(path)) == DAWN


def test_the_broadcast_extension_and_guano(tmp_path):
    bext = bytearray(602)
    bext[320:338] = b"2024-01-3105:30:00"
    assert time_in_header(str(with_chunks(tmp_path / "b.wav", (b"bext", bytes(bext))))) == DAWN
    guano = b"GUANO|Version:1.0\nTimestamp:2024-01-31T05:30:00+01:00\nMake:Wildlife Acoustics\n"
    assert time_in_header(str(with_chunks(tmp_path / "g.wav", (b"guan", guano)))) == DAWN


def test_the_name_comes_before_the_header(tmp_path):
    guano = b"Timestamp:2020-02-02T02:02:02\n"
    assert recorded_at(str(with_chunks(tmp_path / "20240131_053000.wav", (b"guan", guano)))) == DAWN


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xffINFOICMT\xff\xff\xff\x7f", b"ID3"]
)
def test_damaged_headers_say_nothing(tmp_path, content):
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    remarks = wav_remarks(path)
    assert (remarks.comment, remarks.origination, remarks.guano_timestamp) == ("", "", "")
    assert wav_remarks(tmp_path / "gone.wav") == WavRemarks()


def test_a_table_beside_the_recordings_or_above_them(tmp_path):
    forget_tables()
    (tmp_path / "site").mkdir()
    (tmp_path / "metadata.csv").write_text("file_name,recorded_at\nsite/a.wav,2024-01-31 05:30\nb.wav,nonsense\n")
    assert time_in_table(str(tmp_path / "site" / "a.wav")) == DAWN
    assert time_in_table(str(tmp_path / "b.wav")) is None
    forget_tables()
    (tmp_path / "site" / "metadata.csv").write_text("file_name;date;time\na.wav;2024-01-31;05:30:00\n")
    assert time_in_table(str(tmp_path / "site" / "a.wav")) == DAWN
    forget_tables()
    (tmp_path / "site" / "metadata.csv").write_text("")
    assert time_in_table(str(tmp_path / "site" / "a.wav")) == DAWN  # an empty table is as none
    forget_tables()


@pytest.mark.parametrize("text", ["2024-01-31", "", "31.01.2024 05:30", "dawn"])
def test_what_is_ambiguous_or_no_time_is_left_alone(text):
    assert parse_time(text) is None
