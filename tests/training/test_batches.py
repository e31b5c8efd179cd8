"""Batches: every clip once an epoch, the same in any number of processes, and again the same after a resume."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiocls.config import TrainConfig
from audiocls.training.augment import draw
from audiocls.training.batches import clip_generator, epoch_batches, one_ahead, own_share, partners


@given(count=st.integers(1, 500), batch_size=st.integers(2, 64), epoch=st.integers(0, 5), processes=st.integers(1, 4))
def test_each_clip_is_used_once_an_epoch_in_any_number_of_processes(count, batch_size, epoch, processes):
    batches = epoch_batches(count, batch_size, 42, epoch)
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    shares = [own_share(batch, process, processes) for batch in batches for process in range(processes)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(count))


def test_epochs_and_seeds_differ_and_repeat():
    first = np.concatenate(epoch_batches(100, 16, 1, 0))
    assert first.tolist() == np.concatenate(epoch_batches(100, 16, 1, 0)).tolist()
    assert first.tolist() != np.concatenate(epoch_batches(100, 16, 1, 1)).tolist()
    assert first.tolist() != np.concatenate(epoch_batches(100, 16, 2, 0)).tolist()


@given(count=st.integers(2, 40), processes=st.integers(1, 3))
def test_mixup_partners_are_the_same_in_any_number_of_processes(count, processes):
    def pairs(share):
        return {(int(share[k]), int(share[j])) for k, j in enumerate(partners(len(share)))}

    batch = np.random.default_rng(count).permutation(count)
    together = set().union(*(pairs(own_share(batch, process, processes)) for process in range(processes)))
    assert together == pairs(batch)


@given(length=st.integers(1, 200_000), window=st.integers(100, 64_000), seed=st.integers(0, 99), augment=st.booleans())
def test_a_drawn_part_lies_in_the_clip_and_fits_the_window(length, window, seed, augment):
    drawn = draw(TrainConfig(augment=augment), length, window, clip_generator(seed, 0, 0))
    assert drawn.start >= 0
    assert drawn.start + drawn.take <= length
    assert drawn.shift + drawn.samples <= window + 1
    assert drawn.take == min(length, window) or augment


def test_without_augmentation_only_the_position_is_random():
    config = TrainConfig(augment=False, spec_augment=False, mixup=0.0)
    drawn = [draw(config, 1000, 100, clip_generator(0, epoch, 0)) for epoch in range(20)]
    assert len({d.start for d in drawn}) > 10
    assert all(d.speed == 1 and d.mix_share == 1 and d.snr_db is None and d.time_masks is None for d in drawn)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_partners_are_mutual(count):
    chosen = partners(count)
    assert all(chosen[chosen[k]] == k for k in range(count))


def test_one_ahead_keeps_order_and_passes_errors_on():
    assert list(one_ahead(lambda k: k * k, range(5))) == [0, 1, 4, 9, 16]
    assert list(one_ahead(str, [])) == []
    made = one_ahead(lambda k: 1 // k, [1, 0])
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
