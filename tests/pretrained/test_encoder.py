"""The encoder's layers are found in every architecture, lowest first, and recomputing them changes nothing."""

import pytest
import torch
from transformers import AutoModelForAudioClassification

from audiocls.pretrained.encoder import encoder_layers, heights, recomputed_layers
from tests.pretrained.tiny_backbones import CONFIGS


@pytest.fixture(params=CONFIGS)
def model(request):
    torch.manual_seed(0)
    return AutoModelForAudioClassification.from_config(CONFIGS[request.param]()).eval()


def example(model):
    generator = torch.Generator().manual_seed(0)
    shape = {"whisper": (2, 80, 3000), "audio-spectrogram-transformer": (2, 200, 32), "wav2vec2-bert": (2, 50, 160)}
    return torch.randn(shape.get(model.config.model_type, (2, 4000)), generator=generator)


def test_the_layers_run_one_after_the_other_between_front_end_and_head(model):
    order = []
    for number, layer in enumerate(encoder_layers(model), 1):
        layer.register_forward_hook(lambda *_, number=number: order.append(number))
    model.classifier.register_forward_hook(lambda *_: order.append("head"))
    model(example(model))
    assert order == [1, 2, 3, "head"]


def test_every_parameter_has_a_height(model):
    found = heights(model)
    assert list(found) == [name for name, _ in model.named_parameters()]
    assert sorted(set(found.values())) == [0, 1, 2, 3, 4]
    assert all(height == 4 for name, height in found.items() if name.startswith(("projector", "classifier")))
    assert all(
        height == 0 for name, height in found.items() if name.startswith("encoder.conv") or "feature_extractor" in name
    )


def test_recomputed_layers_give_the_same_gradients_and_are_left_as_they_were(model):
    def gradients():
        model.zero_grad()
        model(example(model)).logits.logsumexp(-1).sum().backward()
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}

    kept = gradients()
    calls = []
    encoder_layers(model)[0].register_forward_pre_hook(lambda *_: calls.append(1))
    attention = next(m for m in encoder_layers(model)[0].modules() if "Attention" in type(m).__name__)
    computed = []
    attention.register_forward_pre_hook(lambda *_: computed.append(1))
    with recomputed_layers(model, True):
        again = gradients()
    assert len(computed) == 2  # in the forward and again in the backward pass
    assert kept.keys() == again.keys()
    for name, gradient in kept.items():
        torch.testing.assert_close(gradient, again[name], rtol=1e-4, atol=1e-6)
    assert all("forward" not in vars(layer) for layer in encoder_layers(model))
