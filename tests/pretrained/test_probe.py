"""The probe: what is solved is what the saved model says, for every architecture, and it learns."""

import numpy as np
import pytest
import torch
from transformers import pipeline

from audiocls.config import TrainConfig
from audiocls.data import feature_cache
from audiocls.data.dataset import load_audio_data
from audiocls.errors import ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.loading import quiet_transformers
from audiocls.pretrained.backbone import build_classifier, window_for
from audiocls.pretrained.features import clip_features
from audiocls.pretrained.probe import fit_probe
from tests.pretrained.conftest import ARCHITECTURES


def settings(backbone, **changes):
    return TrainConfig(model=f"probe:{backbone}", validation_size=0, clip_seconds=1.0, **changes)


def waveforms(clips):
    return [clips.waveform(index) for index in range(len(clips))]


def solver_scores(config, audio, fitted, clips):
    """Scores made of cached features and the weights in the head alone, without the model's forward."""
    window_seconds = window_for(config, audio.train)
    model, extractor = build_classifier(config.backbone, audio.labels, audio.multi_label, window_seconds)
    head = [module for module in fitted.model.classifier.modules() if isinstance(module, torch.nn.Linear)][-1]
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    rows = []
    for windows in clip_features(model, extractor, clips):
        layers = fitted.details["layers"]
        states = (
            windows[:, -1] if layers == "final" else windows[:, [int(layer) for layer in layers.split("+")]].mean(1)
        )
        logits = states @ weight.T + bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        scores = 1 / (1 + np.exp(-logits)) if audio.multi_label else powers / powers.sum(1, keepdims=True)
        rows.append(scores.mean(0))
    return np.array(rows)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_folder_scores_as_the_solver_did_and_as_a_bare_pipeline(name, backbones, tones, run, tmp_path):
    config = settings(backbones[name])
    fitted = fit_probe(config, tones, run)
    with quiet_transformers():
        fitted.model.save_pretrained(tmp_path)
        fitted.extractor.save_pretrained(tmp_path)
        piped = pipeline("audio-classification", model=str(tmp_path), device="cpu")
    clips = waveforms(tones.test)
    expected = solver_scores(config, tones, fitted, tones.test)
    loaded = AudioClassifier.from_pretrained(tmp_path, device="cpu")
    assert loaded.labels == tones.labels
    assert np.abs(loaded.predict_waveforms(clips) - expected).max() < 1e-4
    assert np.abs(AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(clips) - expected).max() < 1e-4
    within = [index for index, clip in enumerate(clips) if len(clip) <= loaded.window_length]
    assert len(within) > 2
    for index in within:
        answers = piped({"raw": clips[index].copy(), "sampling_rate": 16000}, top_k=3)
        for answer in answers:
            assert answer["score"] == pytest.approx(expected[index, tones.labels.index(answer["label"])], abs=1e-4)
    learnt = loaded.predict_waveforms(waveforms(tones.train)).argmax(1) == tones.train.targets
    assert learnt.mean() > 0.7  # even random weights tell low from high


def test_history_has_a_row_a_candidate_and_names_the_one_kept(backbones, tones, run):
    fitted = fit_probe(settings(backbones["wav2vec2"]), tones, run)
    assert [row["candidate"] for row in fitted.history] == list(range(1, len(fitted.history) + 1))
    assert fitted.axis == "candidate"
    best = fitted.history[fitted.best - 1]
    assert best["validation_loss"] == min(row["validation_loss"] for row in fitted.history)
    assert best["strength"] == fitted.details["strength"]
    held_out = fitted.held_out
    np.testing.assert_array_equal(held_out.targets, tones.train.targets)
    assert held_out.groups == tones.train.groups
    assert (held_out.scores.argmax(1) == held_out.targets).mean() == pytest.approx(best["validation_accuracy"])
    likely = -np.log(held_out.scores[np.arange(len(held_out.scores)), held_out.targets]).mean()
    assert likely == pytest.approx(best["validation_loss"], abs=1e-4)
    singles = {row["layers"] for row in fitted.history}
    assert singles >= {"final", "0", "1", "2", "3"}  # the input of the first of three layers, and their outputs


def test_the_same_seed_gives_the_same_model_and_clips_are_heard_once(backbones, tones, run, monkeypatch):
    config = settings(backbones["whisper"])
    first = fit_probe(config, tones, run)
    monkeypatch.setattr(feature_cache, "_write", None)  # any new feature would be written
    second = fit_probe(config, tones, run)
    for one, other in zip(first.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_several_labels_a_clip(backbones, make_tone, run, tmp_path):
    lines = ["file_name,labels"]
    for clip in range(16):
        labels = ["low"] * (clip % 2) + ["high"] * (clip % 4 > 1)
        make_tone(tmp_path / f"{clip}.wav", hz=150 + 150 * (clip % 2) + 1800 * (clip % 4 > 1) + clip)
        lines.append(f'{clip}.wav,"{"|".join(labels)}"')
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    config = settings(backbones["wavlm"], test_size=0)
    audio = load_audio_data(str(tmp_path), config)
    assert audio.multi_label
    fitted = fit_probe(config, audio, run)
    assert fitted.model.config.problem_type == "multi_label_classification"
    scores = AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(waveforms(audio.train))
    assert np.abs(scores - solver_scores(config, audio, fitted, audio.train)).max() < 1e-4
    assert ((scores > 0.5) == (audio.train.targets > 0.5)).mean() > 0.8


@pytest.mark.parametrize("count", [1, 2])
def test_very_few_clips_take_the_last_layer_and_the_usual_strength(count, backbones, tones, run):
    by_class = [np.flatnonzero(tones.train.targets == label)[:count] for label in range(3)]
    few = tones.train.subset(np.concatenate(by_class))
    audio = type(tones)(**{**vars(tones), "train": few})
    fitted = fit_probe(settings(backbones["whisper"]), audio, run)
    scores = AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(waveforms(few))
    assert (scores.argmax(1) == few.targets).all()
    if count == 1:
        assert fitted.details["layers"] == "final"
        assert len(fitted.history) == 1
        assert fitted.held_out is None


def test_weights_that_are_not_numbers_are_told(backbones, tones, run, tmp_path):
    model, extractor = build_classifier(str(backbones["whisper"]), ["a", "b"], False, 1)
    with torch.no_grad(), quiet_transformers():
        model.encoder.conv1.weight.fill_(float("nan"))
        model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="not finite"):
        fit_probe(settings(tmp_path), tones, run)


def test_real_whisper_needs_few_clips_to_tell_everyday_sounds_apart(whisper_tiny_en, everyday_sounds, run):
    config = TrainConfig(model=f"probe:{whisper_tiny_en}", validation_size=0, clip_seconds=1.0)
    audio = load_audio_data(str(everyday_sounds), config)
    short = [np.flatnonzero((audio.train.targets == label) & (audio.train.lengths < 40000)) for label in range(7)]
    few = audio.train.subset(np.concatenate([clips[:4] for clips in short]))
    fitted = fit_probe(config, type(audio)(**{**vars(audio), "train": few}), run)
    test = audio.test.subset(np.flatnonzero(audio.test.lengths < 16000)[::2])
    scores = AudioClassifier.of(fitted.model, fitted.extractor).predict_waveforms(waveforms(test))
    assert (scores.argmax(1) == test.targets).mean() > 0.7  # of seven classes
    assert fitted.base_model == "openai/whisper-tiny.en"
