"""Models trained with noise reduction: every way to use them reduces noise in the same way."""

import json

import numpy as np
import pytest
import soundfile
import torch
from transformers import pipeline

import audiocls
from audiocls.classical.fit import model_settings
from audiocls.classical.samples import collect
from audiocls.cli import main
from audiocls.comparison.ensemble import ensemble
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import ModelError
from audiocls.experiment import train
from audiocls.inference.windows import denoised
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.denoising import METHODS, SpectralGate, denoise_settings
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from tests.test_kinds import backbone, sounds  # noqa: F401

METHOD_OF_KIND = {"cnn": "nonstationary", "forest": "stationary", "probe": "stationary", "finetune": "nonstationary"}
BARE = ("probe", "finetune")
RATE = 16000


@pytest.fixture(scope="module")
def trained(sounds, backbone, tmp_path_factory):  # noqa: F811
    """The folder of a short training of each kind."""
    folders = {}
    for kind, method in METHOD_OF_KIND.items():
        settings = {"num_epochs": 1, "clip_seconds": 1.0, "batch_size": 8, "num_workers": 1, "leak_report": False}
        model = f"{kind}:{backbone}" if kind in BARE else kind
        config = TrainConfig(model=model, denoise=method, **settings, features="mfcc" if kind == "forest" else "auto")
        folders[kind] = train(sounds, tmp_path_factory.mktemp("runs") / kind, config).output_dir
    return folders


@pytest.mark.parametrize("kind", METHOD_OF_KIND)
def test_every_way_to_predict_reduces_noise_alike(kind, trained, sounds, capsys):  # noqa: F811
    folder = trained[kind]
    config = json.loads((folder / "config.json").read_text())
    assert config["denoise"] == denoise_settings(METHOD_OF_KIND[kind], RATE)
    files = [sounds / name for name in ("low/low_1.wav", "high/high_0.wav", "high/high_5.wav")]
    classifier = audiocls.AudioClassifier.from_pretrained(folder)
    expected = classifier.scores(files)
    arrays = [soundfile.read(path, dtype="float32")[0] for path in files]
    alone = np.stack([classifier.scores(array, sampling_rate=RATE)[0] for array in arrays])
    np.testing.assert_allclose(alone, expected, atol=1e-4)
    assert main(["predict", str(folder), *map(str, files), "--format", "jsonl", "--top_k", "0"]) == 0
    rows = [json.loads(line)["predictions"] for line in capsys.readouterr().out.splitlines()]
    told = [[{row["label"]: row["score"] for row in each}[name] for name in classifier.labels] for each in rows]
    np.testing.assert_allclose(told, expected, atol=1e-4)

    pipe = pipeline("audio-classification", model=str(folder))
    heard = arrays if kind not in BARE else denoised(SpectralGate(config["denoise"], RATE), arrays)
    answers = [{row["label"]: row["score"] for row in pipe(array, top_k=None)} for array in heard[:2]]
    piped = [[answer[name] for name in classifier.labels] for answer in answers]
    np.testing.assert_allclose(piped, expected[:2], atol=1e-4)
    assert ("`pipeline` does not, so its scores differ" in (folder / "README.md").read_text()) == (kind in BARE)


@pytest.mark.parametrize("kind", METHOD_OF_KIND)
def test_it_is_what_the_model_was_taught(kind, trained, sounds):  # noqa: F811
    """Without it the same weights hear something else."""
    classifier = audiocls.AudioClassifier.from_pretrained(trained[kind])
    files = sorted(sounds.rglob("*.wav"))
    with_it = classifier.scores(files)
    if kind in BARE:
        classifier.listener.denoiser = None
    else:
        classifier.model.denoiser = None
    assert np.abs(classifier.scores(files) - with_it).max() > 1e-3


def test_an_ensemble_gives_each_member_what_it_was_trained_on(trained, sounds, tmp_path):  # noqa: F811
    members = [audiocls.AudioClassifier.from_pretrained(trained[kind]) for kind in ("forest", "probe")]
    files = sorted(sounds.rglob("*.wav"))[:6]
    expected = np.mean([member.scores(files) for member in members], 0)
    together = audiocls.AudioClassifier.of(ensemble(members, [1.0, 1.0]), None)
    np.testing.assert_allclose(together.scores(files), expected, atol=1e-4)


def test_features_in_the_cache_are_those_of_the_same_noise_reduction(sounds):  # noqa: F811
    """Statistics of clips without it are not mistaken for those with it."""
    configs = [TrainConfig(model="forest", features="mfcc", num_workers=1, denoise=each) for each in ("no", *METHODS)]
    audio = load_audio_data(str(sounds), configs[0])
    models = [AudioClsForAudioClassification(AudioClsConfig(**model_settings(each, audio))) for each in configs]
    plain, *reduced = (collect(model, audio.train, len(audio.labels)).statistics for model in models)
    for statistics in reduced:
        assert np.abs(statistics - plain).max() > 1
    assert np.abs(reduced[0] - reduced[1]).max() > 1


def test_settings_that_cannot_be_are_told_in_a_line(trained, tmp_path):
    for kind in ("cnn", "probe"):
        folder = tmp_path / kind
        folder.mkdir()
        for path in trained[kind].iterdir():
            if path.is_file():
                (folder / path.name).write_bytes(path.read_bytes())
        config = json.loads((folder / "config.json").read_text())
        config["denoise"]["prop_decrease"] = 7
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(ModelError, match="prop_decrease 7; it must be 0 to 1"):
            audiocls.AudioClassifier.from_pretrained(folder)


def test_training_keeps_its_gradients():
    """What was made during a prediction serves in training afterwards."""
    gate = SpectralGate(denoise_settings("stationary", RATE), RATE)
    with torch.inference_mode():
        gate(torch.rand(1, 4000))
    sound = torch.rand(1, 4000, requires_grad=True)
    gate(sound).sum().backward()
    assert sound.grad is not None
