import dataclasses

import numpy as np
import pytest
from accelerate import Accelerator

from audiocls.comparison import cheap_model as module
from audiocls.comparison.candidates import Candidate
from audiocls.comparison.cheap_model import cheap_model
from audiocls.comparison.folds import learning_clips, make_folds
from audiocls.config import TrainConfig
from audiocls.training.run import Run
from tests.pretrained.tiny_backbones import write_backbone


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return write_backbone("whisper", tmp_path_factory.mktemp("weights") / "tiny-ears")


@pytest.mark.parametrize("kind", ["cnn", "forest", "probe", "auto"])
def test_each_clip_is_judged_by_what_has_not_learnt_its_fold(kind, tones, backbone, monkeypatch):
    config = TrainConfig(model=f"probe:{backbone}" if kind == "probe" else kind, num_workers=1)
    probe = config.replaced(model=f"probe:{backbone}")
    monkeypatch.setattr(module, "suitable", lambda config: [Candidate("forest", config), Candidate("probe", probe)])
    clips = learning_clips(tones)
    name, scores = cheap_model(config, tones, clips, clips.targets, Run(Accelerator(cpu=True)))
    assert name.startswith("a random forest on") == (kind in ("cnn", "forest"))
    assert name.endswith("tiny-ears") == (kind in ("probe", "auto"))
    folds = make_folds(tones, 3, 0)
    found = scores(folds)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert (found.argmax(1) == clips.targets).mean() > 0.7
    # A clip of a fold that alone holds a class cannot be given that class.
    alone = scores(clips.targets)
    assert alone[np.arange(len(clips)), clips.targets].max() < 0.2


def test_auto_takes_no_pretrained_model_that_hears_at_another_rate(tones, backbone, monkeypatch):
    config = TrainConfig(model="auto", num_workers=1)
    monkeypatch.setattr(
        module, "suitable", lambda config: [Candidate("probe", config.replaced(model=f"probe:{backbone}"))]
    )
    other = dataclasses.replace(tones, sampling_rate=8000)
    assert module._listening(config, tones) is not None
    assert module._listening(config, other) is None
