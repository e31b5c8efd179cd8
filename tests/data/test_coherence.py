import numpy as np

from audiocls.audio.decoding import decode
from audiocls.data.coherence import coherence, is_same_sound, shared_energy

RATE = 16000


def test_coherence_is_one_for_a_shifted_copy_and_low_for_other_noise():
    rng = np.random.default_rng(0)
    noise, other = rng.standard_normal((2, RATE)).astype(np.float32)
    for shift in (0, 3, 150):
        assert min(coherence(noise[: RATE - shift], 0.1 * noise[shift:], RATE)) > 0.95
        assert min(coherence(noise[shift:], -noise[: RATE - shift], RATE)) > 0.95
    assert max(coherence(noise, other, RATE)) < 0.3
    assert coherence(noise, np.zeros(RATE, np.float32), RATE) == (0, 0, 0)


def test_energy_is_shared_by_copies_shifted_by_any_part_of_a_sample(everyday_sounds):
    high = decode(sorted((everyday_sounds / "train" / "animal").glob("*.ogg"))[0], 8 * RATE)
    for shift in range(8):
        first, second = high[: 8 * RATE : 8], 0.3 * high[shift : 8 * RATE + shift : 8]
        assert shared_energy(first, second[: len(first)], RATE) > 0.98
        assert is_same_sound(first, second[: len(first)], RATE)


def test_two_kicks_that_share_a_click_agree_in_phase_but_not_in_energy(everyday_sounds):
    first, second = (decode(everyday_sounds / "train" / "drum" / f"drum_{n}.ogg", RATE) for n in ("00", "21"))
    length = min(len(first), len(second))
    first, second = first[:length], second[:length]
    assert min(coherence(first, second, RATE)) > 0.9
    assert shared_energy(first, second, RATE) < 0.6
    assert not is_same_sound(first, second, RATE)
