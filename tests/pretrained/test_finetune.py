"""Fine-tuning: it starts at the probe, learns, keeps what is frozen, and resumes exactly, for any architecture."""

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.pretrained.backbone import build_classifier
from audiocls.pretrained.encoder import heights
from audiocls.pretrained.features import final_linear
from audiocls.pretrained.finetune import PretrainedTrainee, fit_finetune
from audiocls.pretrained.linear import Linear
from audiocls.pretrained.probe import fit_probe, write_head
from audiocls.training.batches import load_batch, own_share, partners, soft_targets
from audiocls.training.epochs import fit_epochs
from audiocls.training.run import Run
from audiocls.training.waveforms import pad_waveforms
from tests.pretrained.tiny_backbones import write_backbone

RATE = 16_000
QUICK = {
    "clip_seconds": 1.0,
    "num_epochs": 3,
    "batch_size": 8,
    "validation_size": 0.0,
    "learning_rate": 1e-3,
    "num_workers": 1,
}
SILENT = Run(Accelerator(cpu=True))


@pytest.fixture(scope="module", params=["whisper", "wav2vec2"])
def backbone(request, tmp_path_factory):
    return write_backbone(request.param, tmp_path_factory.mktemp("backbones") / request.param)


@pytest.fixture(scope="module")
def chirps(tmp_path_factory):
    """Tones that rise, fall or stay, of the same mean pitch and several lengths: random weights hear little of that."""
    root = tmp_path_factory.mktemp("chirps")
    rng = np.random.default_rng(0)
    for slope, label in enumerate(("falling", "flat", "rising")):
        (root / label).mkdir()
        for clip in range(10):
            length = int(RATE * (0.2 + 0.08 * clip))
            octaves = (slope - 1) * np.linspace(-0.5, 0.5, length) + rng.uniform(-0.3, 0.3)
            phase = 2 * np.pi * np.cumsum(700.0 * 2**octaves) / RATE
            soundfile.write(root / label / f"{clip}.wav", 0.3 * np.sin(phase) + rng.normal(0, 0.03, length), RATE)
    return root


def read(root, backbone, **settings):
    config = TrainConfig(model=f"finetune:{backbone}", **{**QUICK, **settings})
    return config, load_audio_data(str(root), config)


def weights(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_layers_learn_what_a_classifier_alone_cannot(chirps, tmp_path):
    backbone = write_backbone("wav2vec2", tmp_path / "wav2vec2")
    plain = {"augment": False, "mixup": 0.0, "label_smoothing": 0.0, "num_epochs": 16, "learning_rate": 2e-3}
    losses = {}
    for freeze_layers in (0, 3):
        config, data = read(chirps, backbone, freeze_layers=freeze_layers, **plain)
        model, extractor = build_classifier(str(backbone), data.labels, False, 1.0)
        fitted = fit_epochs(PretrainedTrainee(model, extractor, config), config, data, SILENT)
        losses[freeze_layers] = [row["train_loss"] for row in fitted.history]
    assert losses[0][-1] < 0.7 * losses[0][0]
    assert losses[0][-1] < 0.8 * losses[3][-1]


def test_without_a_learning_rate_it_is_the_probe(chirps, backbone):
    config, data = read(chirps, backbone, num_epochs=1, learning_rate=1e-12)
    probe, fitted = fit_probe(config, data, SILENT), fit_finetune(config, data, SILENT)
    assert fitted.axis == "epoch"
    assert fitted.best == len(fitted.history) == 1
    assert fitted.details["probe"] == probe.details
    scores = [
        AudioClassifier.of(each.model, each.extractor).predict_waveforms([data.test.waveform(k) for k in range(3)])
        for each in (probe, fitted)
    ]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_the_result_lies_between_the_probe_and_the_trained_weights(chirps, backbone):
    def result(share):
        config, data = read(chirps, backbone, num_epochs=1, probe_share=share)
        return weights(fit_finetune(config, data, SILENT).model)

    config, data = read(chirps, backbone)
    start, trained, between = weights(fit_probe(config, data, SILENT).model), result(0.0), result(0.25)
    assert not moved(start, result(1.0))
    assert moved(start, trained)
    for name, weight in between.items():
        torch.testing.assert_close(weight, 0.25 * start[name] + 0.75 * trained[name])


def test_frozen_layers_stay_as_they_are(chirps, backbone):
    config, data = read(chirps, backbone, num_epochs=1, freeze_layers=2)
    model, extractor = build_classifier(str(backbone), data.labels, False, 1.0)
    before = weights(model)
    fit_epochs(PretrainedTrainee(model, extractor, config), config, data, SILENT)
    changed = moved(before, weights(model))
    assert {heights(model)[name] for name in changed} == {3, 4}
    assert any(name.startswith("classifier") for name in changed)


def test_layers_that_the_probe_does_not_hear_stay_as_they_are(chirps, backbone):
    config, data = read(chirps, backbone, num_epochs=1)
    model, extractor = build_classifier(str(backbone), data.labels, False, 1.0)
    write_head(model, Linear(np.ones((3, 32)), np.zeros(3)), (1, 2))
    before = weights(model)
    fit_epochs(PretrainedTrainee(model, extractor, config), config, data, SILENT)
    changed = moved(before, weights(model))
    assert {1, 2} <= {heights(model)[name] for name in changed} <= {1, 2, 4}


def test_the_learning_rate_falls_from_layer_to_layer_and_the_front_end_is_frozen(backbone):
    config = TrainConfig(model=f"finetune:{backbone}", layer_decay=0.5, head_scale=4.0)
    model, extractor = build_classifier(str(backbone), ["a", "b"], False, 1.0)
    trainee = PretrainedTrainee(model, extractor, config)
    height = heights(model)
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    found = {(height[name], trainee.learning_rate_scale(name)) for name in learning}
    assert found == {(1, 0.25), (2, 0.5), (3, 1.0), (4, 1.0), (4, 4.0)}
    head = {id(parameter) for parameter in final_linear(model).parameters()}
    fastest = {id(p) for name, p in model.named_parameters() if name in learning and trainee._scales[name] == 4.0}
    assert fastest == head


def test_freezing_more_layers_than_there_are_is_one_clear_error(chirps, backbone):
    config, data = read(chirps, backbone, freeze_layers=4)
    with pytest.raises(UsageError, match=r"freeze_layers is 4.* layers"):
        fit_finetune(config, data, SILENT)


def test_a_stopped_and_resumed_run_ends_as_an_uninterrupted_one(chirps, backbone, tmp_path):
    config, data = read(chirps, backbone)
    straight = fit_finetune(config, data, SILENT)
    checkpoint = tmp_path / "checkpoint.safetensors"

    def stop_after_two(line):
        if line.startswith("epoch   2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_finetune(config, data, Run(SILENT.accelerator, checkpoint, say=stop_after_two))
    told = []
    resumed = fit_finetune(config, data, Run(SILENT.accelerator, checkpoint, resume=True, say=told.append))
    assert "resuming after epoch 2" in told
    assert not moved(weights(straight.model), weights(resumed.model))


def test_recomputing_layers_changes_no_loss(chirps, backbone):
    losses = []
    for recompute in (False, True):
        config, data = read(chirps, backbone, num_epochs=2, gradient_checkpointing=recompute)
        losses.append([row["train_loss"] for row in fit_finetune(config, data, SILENT).history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_shares_of_a_batch_give_the_rows_of_the_whole(chirps, backbone):
    """What makes any number of processes train the same model."""
    config, data = read(chirps, backbone)
    model, extractor = build_classifier(str(backbone), data.labels, False, 1.0)
    trainee = PretrainedTrainee(model, extractor, config)
    step = trainee.step_module(1).train()
    targets = soft_targets(data.train, 3)

    @torch.inference_mode()
    def logits(indices):
        batch = load_batch(data.train, targets, indices, 0, config, trainee.window_length)
        width = trainee.window_length
        padded = torch.nn.functional.pad(batch.waveforms.samples, (0, width - batch.waveforms.samples.shape[1]))
        waveforms = type(batch.waveforms)(padded, batch.waveforms.lengths)
        assert batch.partners == partners(len(indices))
        return step(trainee.inputs(waveforms, batch.draws, batch.partners), batch.draws, batch.partners)

    whole = np.arange(12)
    rows = dict(zip(whole.tolist(), logits(whole), strict=True))
    for process in (0, 1):
        share = own_share(whole, process, 2)
        torch.testing.assert_close(logits(share), torch.stack([rows[k] for k in share.tolist()]), rtol=1e-3, atol=1e-4)


def test_a_short_clip_sounds_in_a_batch_as_it_does_alone(everyday_sounds, tmp_path):
    """wav2vec2 normalises over time, so zeros behind a short clip would change what it hears."""
    config = TrainConfig(augment=False, mixup=0.0, clip_seconds=3.0)
    clips = load_audio_data(str(everyday_sounds), config).test
    backbone = write_backbone("wav2vec2", tmp_path / "wav2vec2")
    model, extractor = build_classifier(str(backbone), ["a", "b", "c"], False, 3.0)
    trainee = PretrainedTrainee(model, extractor, config)
    order = np.argsort(clips.lengths)
    pieces = [clips.waveform(int(index), 0, 48_000) for index in (order[8], order[20], order[-1])]
    assert len(pieces[0]) < 0.3 * len(pieces[2])
    batch = load_batch(clips, soft_targets(clips, 7), np.arange(3), 0, config, 48_000)
    with torch.inference_mode():
        together = model(**trainee.inputs(pad_waveforms(pieces), batch.draws, batch.partners)).logits
        alone = torch.cat([model(**extractor(p, sampling_rate=16_000, return_tensors="pt")).logits for p in pieces])
        zeros = model(
            **extractor(pieces, sampling_rate=16_000, return_tensors="pt", padding=True, return_attention_mask=True)
        ).logits
    print(float((together - alone).abs().mean()), float((zeros - alone).abs().mean()))
    assert float((together - alone).abs().mean()) < 0.4 * float((zeros - alone).abs().mean())
