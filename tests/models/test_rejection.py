"""What tells unknown sounds inside a model: its score depends on the sound alone, and silence is never known."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification

from audiocls.inference.rejection_file import attach_rejection
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.models.rejection import KnownSounds, combined, silent
from tests.models.test_modeling import PREDICT, run_isolated
from tests.small_models import small_model, write_model

RATE = 16000
RNG = np.random.default_rng(3)
CLIPS = [torch.from_numpy(RNG.normal(0, 0.1, samples).astype(np.float32)) for samples in (700, 16000, 40000)]


def bits(values):
    return values.contiguous().view(torch.int32)


def taught(labels, width, views=("near", "head", "sure"), **changes):
    """Settings and tensors of a random `KnownSounds`."""
    generator = torch.Generator().manual_seed(1)
    settings = {"views": {name: [0.5, 2.0] for name in views}, "width": width, "references": 7, "outputs": labels}
    settings |= {"neighbours": 3, "threshold": -1.0, **changes}
    tensors = {
        "centre": bits(torch.rand(width, generator=generator)),
        "spread": bits(0.5 + torch.rand(width, generator=generator)),
        "references": torch.randn(7, width, generator=generator).half().view(torch.int16),
        "weight": bits(torch.randn(settings["outputs"], width, generator=generator) / width),
        "bias": bits(torch.randn(settings["outputs"], generator=generator)),
    }
    return settings, tensors


@pytest.fixture(scope="module")
def model():
    model = small_model(["dog", "rain", "wind"], window_seconds=1.0).eval()
    attach_rejection(model, *taught(3, model.network.classifier.in_features))
    return model


@torch.inference_mode()
def known_scores(model, clips):
    width = max(map(len, clips))
    batch = torch.stack([torch.nn.functional.pad(clip, (0, width - len(clip))) for clip in clips])
    mask = torch.arange(width) < torch.tensor([len(clip) for clip in clips])[:, None]
    return model(batch, mask)


def test_the_score_is_the_mean_of_its_views_from_what_was_fitted():
    settings, tensors = taught(2, 4)
    known = KnownSounds(settings, 2)
    known.load_state_dict(tensors)
    features, logits = torch.randn(1, 4), torch.tensor([[2.0, 0.0]])
    standard = (features - tensors["centre"].view(torch.float32)) / tensors["spread"].view(torch.float32)
    distances = (standard - tensors["references"].view(torch.float16).float()).norm(dim=1).sort().values
    outputs = standard @ tensors["weight"].view(torch.float32).T + tensors["bias"].view(torch.float32)
    views = [-distances[:3].mean(), outputs.max(), logits.softmax(-1).max().log()]
    expected = sum((float(view) - 0.5) / 2 for view in views) / 3
    assert float(known(features, logits, False)) == pytest.approx(expected, abs=1e-5)


def test_an_output_for_clips_of_no_class_counts_against():
    settings, tensors = taught(3, 4, views=("head",), outputs=4)
    known = KnownSounds(settings, 3)
    known.load_state_dict(tensors)
    features = torch.randn(5, 4)
    before = known(features, torch.zeros(5, 3), False)
    known.bias[3] = bits(known.bias[3:].view(torch.float32) + 1)[0]
    torch.testing.assert_close(known(features, torch.zeros(5, 3), False), before - 0.5)


def test_neither_padding_nor_company_changes_the_score(model):
    together = known_scores(model, CLIPS).known_score
    alone = torch.cat([known_scores(model, [clip]).known_score for clip in CLIPS])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)
    assert together.unique().numel() == 3


def test_a_long_clip_is_the_mean_of_what_can_be_heard_of_it(model):
    one = known_scores(model, [CLIPS[1]]).known_score
    with_silence = torch.cat([CLIPS[1], torch.zeros(2 * RATE)])  # three windows, two of them silent
    torch.testing.assert_close(known_scores(model, [with_silence]).known_score, one, atol=1e-4, rtol=0)
    assert combined(torch.tensor([1.0, -torch.inf, 3.0]), torch.tensor([0, 0, 0]), 2).tolist() == [2.0, -torch.inf]


@pytest.mark.parametrize("clip", [torch.zeros(RATE), torch.full((RATE,), 0.5), 9e-4 * CLIPS[1].sign(), torch.zeros(0)])
def test_silence_is_never_known(model, clip):
    output = known_scores(model, [clip, CLIPS[0]])
    assert output.known_score[0] == -torch.inf
    assert not output.is_known[0]
    assert torch.isfinite(output.known_score[1])


def test_a_resampled_constant_is_silent_and_a_click_is_not():
    ripples = torch.full((RATE,), 0.5)
    ripples[:100] += 0.2 * torch.linspace(-1, 0, 100) * torch.arange(100).cos()
    click = torch.zeros(RATE)
    click[40:60] = 0.5
    lengths = torch.tensor([RATE, RATE])
    assert silent(torch.stack([ripples, click]), lengths, RATE).tolist() == [True, False]


def test_it_survives_saving_bfloat16_and_a_fresh_process(model, tmp_path):
    folder = write_model(model, tmp_path / "model")
    expected = known_scores(model, CLIPS)
    loaded = AudioClsForAudioClassification.from_pretrained(folder).eval()
    torch.testing.assert_close(known_scores(loaded, CLIPS).known_score, expected.known_score)
    half = AudioClsForAudioClassification.from_pretrained(folder, dtype=torch.bfloat16).eval()
    torch.testing.assert_close(known_scores(half, CLIPS).known_score, expected.known_score, atol=0.05, rtol=0)
    assert torch.equal(half.known_sounds.references, model.known_sounds.references)
    assert half.known_sounds.threshold == -1.0
    code = PREDICT.format(first="sys.modules['audiocls'] = None", option="trust_remote_code=True")
    code += "import torch\nout = classify.model(torch.from_numpy(clips[1])[None])\n"
    code += "print(json.dumps([single, float(out.known_score), bool(out.is_known)]))"
    single, score, is_known = run_isolated(code, tmp_path, folder)
    rng = np.random.default_rng(5)
    clips = [torch.from_numpy(rng.normal(0, 0.1, n).astype(np.float32)) for n in (700, 16000, 40000)]
    output = known_scores(model, [clips[1]])
    assert (score, is_known) == (pytest.approx(float(output.known_score), abs=1e-4), bool(output.is_known))
    for clip, told in zip(clips, single, strict=True):  # the plain classes and no more
        scores = known_scores(model, [clip]).logits.softmax(-1)[0].tolist()
        assert {row["label"]: row["score"] for row in told} == pytest.approx(
            dict(zip(["dog", "rain", "wind"], scores, strict=True)), abs=1e-4
        )


def test_it_changes_no_logit_and_no_tuple(model):
    plain = small_model(["dog", "rain", "wind"], window_seconds=1.0).eval()
    with torch.inference_mode():
        output = plain(CLIPS[1][None])
        assert output.known_score is None
        assert output.is_known is None
        torch.testing.assert_close(output.logits, model(CLIPS[1][None]).logits)
        assert len(model(CLIPS[1][None], return_dict=False)) == 1


@pytest.mark.parametrize("change", [{"views": {}}, {"views": {"far": [0, 1]}}, {"width": None}, {"threshold": "x"}])
def test_damaged_settings_are_named(change):
    with pytest.raises(ValueError, match=r"config\.rejection is damaged"):
        KnownSounds(taught(2, 4)[0] | change, 2)


def test_auto_classes_build_it(model, tmp_path):
    folder = write_model(model, tmp_path / "model")
    assert AutoModelForAudioClassification.from_pretrained(folder).known_sounds is not None
