"""Networks must score a clip alike alone and in any batch, take any size, and train all of their weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig

from audiocls.kind_names import NETWORK_KINDS
from audiocls.models.networks import NETWORKS

SMALL = {"widths": [8, 16, 24], "hidden": 12, "dropout": 0.3}  # each network reads what it knows


@pytest.fixture(params=[*NETWORK_KINDS, "crnn gru"])
def kind(request):
    return request.param


def construct(kind, num_bands=64, num_labels=5):
    name, *rnn = kind.split()
    settings = SMALL | ({"rnn": rnn[0]} if rnn else {})
    return NETWORKS[name](PretrainedConfig(num_labels=num_labels, network=settings), num_bands)


def build(kind, num_bands=64, num_labels=5, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return construct(kind, num_bands, num_labels)


def clips(lengths, num_bands=64, seed=1):
    """Random maps (batch, 1, bands, longest), zero beyond each clip's own length, and their mask."""
    features = torch.randn(len(lengths), 1, num_bands, max(lengths), generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return features * mask[:, None, None], mask


def settled(model, num_bands=64):
    """In eval mode, with batch statistics and scales far from their start values, so that norms move zeros."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            for tensor in (module.running_var, module.weight.data):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return model.eval()


@pytest.mark.parametrize("length", [1, 2, 7, 16, 33, 50])
def test_padding_does_not_change_scores(kind, length):
    model = settled(build(kind))
    features, mask = clips([length])
    with torch.inference_mode():
        alone = model(features, mask)
        for extra in (1, 2, 3, 61):
            padded = model(functional.pad(features, (0, extra)), functional.pad(mask, (0, extra)))
            torch.testing.assert_close(padded, alone, atol=1e-4, rtol=0)


def test_a_clip_scores_the_same_in_a_mixed_batch(kind):
    model = settled(build(kind))
    lengths = [90, 3, 41, 64, 1]
    features, mask = clips(lengths)
    with torch.inference_mode():
        together = model(features, mask)
        for row, length in enumerate(lengths):
            alone = model(features[row : row + 1, :, :, :length], mask[row : row + 1, :length])
            torch.testing.assert_close(together[row : row + 1], alone, atol=1e-4, rtol=0)


def test_what_is_heard_changes_scores(kind):
    model = settled(build(kind))
    scores = [model(*clips([40], seed=seed)) for seed in (3, 4)]
    assert (scores[0] - scores[1]).abs().max() > 1e-2


@pytest.mark.parametrize("num_bands", [1, 2, 9, 20, 64, 128])
@pytest.mark.parametrize("num_frames", [1, 2, 5, 64])
def test_any_number_of_bands_and_frames_gives_a_row_of_scores_a_clip(kind, num_bands, num_frames):
    model = build(kind, num_bands, num_labels=3).eval()
    logits = model(*clips([num_frames, 1], num_bands))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


def test_a_clip_without_a_single_frame_gives_finite_scores(kind):
    features, mask = clips([6])
    assert build(kind).eval()(features * 0, mask & False).isfinite().all()


def test_every_weight_learns(kind):
    model = build(kind).train()
    model(*clips([40, 25, 33, 8])).logsumexp(dim=1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_builds_without_memory_and_takes_weights_later(kind):
    source = settled(build(kind))
    with torch.device("meta"):
        model = construct(kind)
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    model.load_state_dict(source.state_dict(), assign=True)
    inputs = clips([20, 12])
    torch.testing.assert_close(model.eval()(*inputs), source(*inputs))


def test_dropout_acts_in_training_only(kind):
    model = settled(build(kind))
    inputs = clips([30, 30])
    torch.testing.assert_close(model(*inputs), model(*inputs), atol=0, rtol=0)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    assert not torch.equal(model(*inputs), model(*inputs))


def test_runs_in_bfloat16(kind):
    model = settled(build(kind)).to(torch.bfloat16)
    features, mask = clips([30, 12])
    logits = model(features.to(torch.bfloat16), mask)
    assert logits.dtype == torch.bfloat16
    assert logits.isfinite().all()


def test_order_is_heard_by_the_recurrent_network_in_both_directions():
    model = settled(build("crnn")).recurrent
    sequence, mask = torch.randn(1, 9, 24 * 8, generator=torch.Generator().manual_seed(0)), torch.ones(1, 9) > 0
    late, early = sequence.clone(), sequence.clone()
    late[:, 8] += 1
    early[:, 0] += 1
    before, after_late, after_early = model(sequence, mask), model(late, mask), model(early, mask)
    assert not torch.equal(before[:, 0], after_late[:, 0])
    assert not torch.equal(before[:, 8], after_early[:, 8])


def test_an_unknown_recurrent_layer_is_named():
    with pytest.raises(ValueError, match="rnn is 'transformer'"):
        build("crnn transformer")
