"""Ensembles of trained models of our kinds: saved and loaded, they answer as their members did."""

import numpy as np
from accelerate import Accelerator

from audiocls.comparison.ensemble import ensemble
from audiocls.config import TrainConfig
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Run


def test_trees_and_networks_answer_together(tones, tmp_path):
    members = []
    for model in ("forest", "boosting", "cnn1d"):
        fitted = fit_kind(TrainConfig(model=model, num_epochs=2), tones, Run(Accelerator(cpu=True)))
        members.append(AudioClassifier.of(fitted.model, fitted.extractor))
    long = np.tile(tones.train.waveform(0), 30)  # several windows of each member
    clips = [tones.train.waveform(index) for index in range(5)] + [long]
    expected = np.mean([member.predict_waveforms(clips) for member in members], axis=0)
    model = ensemble(members, [1, 1, 1])
    np.testing.assert_allclose(AudioClassifier.of(model, None).predict_waveforms(clips), expected, atol=1e-5)
    model.save_pretrained(tmp_path)
    feature_extractor(16000).save_pretrained(tmp_path)
    loaded = AudioClassifier.from_pretrained(tmp_path)
    np.testing.assert_allclose(loaded.predict_waveforms(clips), expected, atol=1e-5)
