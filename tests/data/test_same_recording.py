import io

import numpy as np
import pytest
import soundfile
import soxr

from audiocls.audio.decoding import decode
from audiocls.data.fingerprints import fingerprint
from audiocls.data.same_recording import find_copies
from audiocls.data.splits import merge_groups

RATE = 16000


@pytest.fixture(scope="module")
def sounds(everyday_sounds):
    """Every tenth bundled training sound: three of each class."""
    return [decode(path, RATE) for path in sorted((everyday_sounds / "train").glob("*/*.ogg"))[::10]]


def encoded(waveform, container, subtype, **settings):
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, format=container, subtype=subtype, **settings)
    return decode(file.getvalue(), RATE)


def pairs_of(waves):
    lengths = [len(wave) for wave in waves]
    return find_copies(
        [fingerprint(wave, RATE) for wave in waves], lengths, RATE, lambda i, start, stop: waves[i][start:stop]
    )


def part(wave, start, stop):
    return wave[int(start * len(wave)) : int(stop * len(wave))]


CHANGES = {
    "vorbis": lambda wave: encoded(wave, "OGG", "VORBIS"),
    "opus": lambda wave: encoded(wave, "OGG", "OPUS"),
    "mp3": lambda wave: encoded(wave, "MP3", "MPEG_LAYER_III"),
    "mp3, softer, cut": lambda wave: encoded(0.2 * part(wave, 0.1, 0.8), "MP3", "MPEG_LAYER_III"),
    "softer": lambda wave: wave * np.float32(0.05),
    "upside down": lambda wave: -wave,
    "silence before": lambda wave: np.pad(wave, (15000, 0)),
    "a small shift": lambda wave: wave[133:],
    "beginning cut off": lambda wave: part(wave, 0.35, 1),
    "end cut off": lambda wave: part(wave, 0, 0.6),
    "both ends cut off": lambda wave: part(wave, 0.2, 0.7),
    "telephone": lambda wave: soxr.resample(soxr.resample(wave, RATE, 8000), 8000, RATE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_nothing_else(sounds, change):
    pairs = pairs_of([*sounds, *(CHANGES[change](wave) for wave in sounds)])
    true = {(i, i + len(sounds)) for i in range(len(sounds))}
    assert set(pairs) <= true
    assert len(pairs) >= 0.95 * len(true)


def test_hits_of_one_drum_and_kicks_with_one_click_are_no_copies(everyday_sounds):
    """drum_03 and drum_18 ring alike, 00 and 21 begin alike: two hits, and two kicks mixed with one click."""
    assert pairs_of([decode(path, RATE) for path in sorted(everyday_sounds.glob("*/drum/*.ogg"))]) == []


def test_no_sound_is_in_both_parts_of_the_bundled_set(everyday_sounds):
    files = [path for part in ("test", "train") for path in sorted((everyday_sounds / part).glob("*/*.ogg"))]
    pairs = pairs_of([decode(path, RATE) for path in files])
    assert [(a, b) for a, b in pairs if ("test" in files[a].parts) != ("test" in files[b].parts)] == []


def test_a_clip_cut_from_a_long_recording_is_found_and_its_neighbour_is_not(sounds):
    long = np.concatenate(sounds)
    assert len(long) > 30 * RATE
    assert pairs_of([long, long[7 * RATE : 10 * RATE]]) == [(0, 1)]
    assert pairs_of([long[: 15 * RATE], long[15 * RATE : 30 * RATE]]) == []


def test_sharing_less_than_half_is_no_copy(sounds):
    long = np.concatenate(sounds)
    assert pairs_of([long[: 6 * RATE], long[4 * RATE : 10 * RATE]]) == []


def test_the_same_note_in_other_noise_is_no_copy(make_tone, tmp_path):
    waves = [decode(make_tone(tmp_path / f"{name}.wav", seconds=1.0), RATE) for name in "abcdefgh"]
    assert pairs_of(waves) == []


def test_many_copies_of_one_sound_are_connected_by_a_bounded_number_of_comparisons(sounds):
    sound = min(sounds, key=len)
    one, asked = fingerprint(sound, RATE), []

    def waveform(clip, start, stop):
        asked.append(clip)
        return sound[start:stop]

    pairs = find_copies([one] * 40, [len(sound)] * 40, RATE, waveform)
    assert len(set(merge_groups(40, pairs))) == 1
    assert len(asked) < 2 * 20 * 40


def test_nothing_and_silence_have_no_copies(sounds):
    assert pairs_of([]) == []
    assert pairs_of([sounds[0]]) == []
    assert pairs_of([np.zeros(RATE, np.float32), np.zeros(RATE, np.float32), np.zeros(0, np.float32)]) == []
