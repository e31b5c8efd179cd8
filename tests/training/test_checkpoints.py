"""Checkpoints: whole or absent, and an optimiser that goes on as if nothing had happened."""

import pytest
import torch

from audiocls.errors import OutputError
from audiocls.training.checkpoints import (
    load_checkpoint,
    nested,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
    unnested,
)


def test_tensors_and_state_come_back(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    tensors = {"a": torch.arange(6.0).reshape(2, 3).T, "b/c": torch.tensor(3)}
    save_checkpoint(path, tensors, {"epoch": 4, "name": "é\n"})
    loaded, state = load_checkpoint(path)
    assert torch.equal(loaded["a"], tensors["a"])
    assert loaded["b/c"] == 3
    assert state == {"epoch": 4, "name": "é\n"}
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_a_write_that_fails_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"a": torch.ones(1)}, {"epoch": 1})

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audiocls.training.checkpoints.save_file", full_disk)
    with pytest.raises(OutputError, match="No space"):
        save_checkpoint(path, {"a": torch.zeros(1)}, {"epoch": 2})
    assert load_checkpoint(path)[1] == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="not a usable checkpoint"):
        load_checkpoint(path)


def test_names_nest_and_unnest():
    tensors = {"x.weight": torch.ones(1)}
    assert unnested("model", {**nested("model", tensors), **nested("best", {"y": torch.ones(1)})}) == tensors


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_a_restored_optimizer_takes_the_same_next_step(kind):
    def step(layer, optimizer):
        optimizer.zero_grad()
        (layer(torch.ones(1, 3)) ** 2).sum().backward()
        optimizer.step()

    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = kind(layer.parameters(), lr=0.1)
    for _ in range(3):
        step(layer, optimizer)
    twin = torch.nn.Linear(3, 2)
    twin.load_state_dict(layer.state_dict())
    twin_optimizer = kind(twin.parameters(), lr=0.1)
    restore_optimizer(twin_optimizer, {name: t.clone() for name, t in optimizer_tensors(optimizer).items()})
    step(layer, optimizer)
    step(twin, twin_optimizer)
    assert torch.equal(layer.weight, twin.weight)
