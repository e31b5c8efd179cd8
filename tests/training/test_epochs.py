"""A fit by epochs tells how it goes, and what to do when the device's memory does not suffice."""

import pytest
import torch
from accelerate import Accelerator

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import UsageError
from audiocls.training.epochs import epoch_line, fit_epochs
from audiocls.training.factory import build_model
from audiocls.training.network import NetworkTrainee
from audiocls.training.run import Run


@pytest.fixture
def parts(make_folder, tmp_path):
    config = TrainConfig(clip_seconds=0.3, num_epochs=2, validation_size=0.25, num_workers=1)
    data = load_audio_data(str(make_folder(tmp_path / "data", low=10, high=10)), config)
    return NetworkTrainee(build_model(config, data)), config, data


def test_a_line_is_said_after_every_epoch(parts):
    said, recorded = [], []
    fitted = fit_epochs(*parts, Run(Accelerator(cpu=True), say=said.append, record=recorded.append))
    assert recorded == fitted.history
    assert said[1:] == [epoch_line(row, 2) for row in fitted.history]
    assert said[0] == "watched on 4 validation clips: a share of 0.80 there may be anything from 0.34 to 0.97"
    assert said[1].startswith("epoch   1/2  loss ")
    assert "F1" in said[1]
    assert 0 <= fitted.details["device_busy"] <= 1
    assert not fitted.model.training


@pytest.mark.parametrize("kind", ["cnn", "finetune:anything"])
def test_too_little_memory_is_one_line_with_what_to_do(parts, monkeypatch, kind):
    trainee, config, data = parts

    def too_much(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(trainee, "inputs", too_much)
    with pytest.raises(UsageError, match="batch_size is 16") as raised:
        fit_epochs(trainee, config.replaced(model=kind), data, Run(Accelerator(cpu=True)))
    assert ("gradient_checkpointing" in str(raised.value)) == (kind != "cnn")
