"""Trees as tensors: questions, sums and means by hand, statistics apart from company, damage told plainly."""

import pytest
import torch

from audiocls.models.clip_statistics import clip_statistics, num_statistics, pitch_band, pitch_statistics
from audiocls.models.configuration_audiocls import AudioClsConfig
from audiocls.models.trees import Boosting, Forest, log_scores

LABELS = {0: "low", 1: "high"}


def bits(values):
    return torch.tensor(values, dtype=torch.float32).view(torch.int32)


def small(kind=Forest, **changes):
    """Two trees on one band: its mean at most 0? and then its deviation at most 1?; and a leaf alone."""
    config = AudioClsConfig(
        features="log_mel", n_mels=1, id2label=LABELS, network={"trees": 2, "nodes": 2, "leaves": 4, "depth": 2}
    )
    network = kind(config, 1)
    state = {
        "features": torch.tensor([0, 1]),
        "thresholds": bits([0.0, 1.0]),
        "below": torch.tensor([-1, -2]),
        "above": torch.tensor([1, -3]),
        "roots": torch.tensor([0, -4]),
        "leaf_values": torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.25, 0.75]]),
    }
    if kind is Boosting:
        state |= {"leaf_values": torch.tensor([-2.0, 0.5, 3.0, 1.0]), "labels": torch.tensor([1, 0])}
        state["start"] = torch.tensor([0.1, -0.1])
    network.load_state_dict(state | changes)
    return network.eval()


def statistics(*rows):
    """Mean and deviation as given, all others 0."""
    return torch.tensor([[*row, *[0.0] * (num_statistics(1, None) - 2)] for row in rows])


CLIPS = statistics((0.0, 5.0), (1e-6, 1.0), (3.0, 1.0001))  # at most a threshold includes the threshold


def test_a_forest_is_the_mean_of_its_leaves():
    shares = small().from_statistics(CLIPS).softmax(-1)
    torch.testing.assert_close(shares, torch.tensor([[0.625, 0.375], [0.375, 0.625], [0.125, 0.875]]))


def test_boosting_is_the_sum_of_its_leaves_by_label():
    logits = small(Boosting).from_statistics(CLIPS)
    torch.testing.assert_close(logits, torch.tensor([[1.1, -2.1], [1.1, 0.4], [1.1, 2.9]]))


def test_logits_give_the_scores_back_even_where_they_are_0():
    scores = torch.tensor([[0.0, 1.0], [0.3, 0.7]], dtype=torch.float64)
    torch.testing.assert_close(log_scores(scores, multi_label=False).softmax(-1), scores, atol=1e-7, rtol=0)
    torch.testing.assert_close(log_scores(scores, multi_label=True).sigmoid(), scores, atol=1e-7, rtol=0)


@pytest.mark.parametrize("kind", [Forest, Boosting])
def test_half_precision_keeps_every_question(kind):
    network, rounded = small(kind, thresholds=bits([0.0, 1.00005])), small(kind, thresholds=bits([0.0, 1.00005]))
    rounded.to(torch.bfloat16)
    torch.testing.assert_close(rounded.from_statistics(CLIPS), network.from_statistics(CLIPS), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("below", torch.tensor([7, -2]), "below names nodes or leaves that do not exist"),
        ("above", torch.tensor([1, -9]), "above names nodes or leaves"),
        ("roots", torch.tensor([2, -4]), "roots names nodes or leaves"),
        ("above", torch.tensor([0, -3]), "above leads back to a node before"),
        ("below", torch.tensor([-1, 0]), "below leads back to a node before"),
        ("features", torch.tensor([0, 999]), "features go beyond the 11 statistics"),
        ("features", torch.tensor([-1, 0]), "features go beyond"),
        ("thresholds", bits([0.0, float("nan")]), "no number"),
        ("leaf_values", torch.full((4, 2), torch.inf), "no number"),
    ],
)
def test_damaged_trees_are_refused(name, value, message):
    network = small(**{name: value})
    with pytest.raises(ValueError, match=message):
        network.check()
    with pytest.raises(ValueError, match=message):  # those who load without us meet it at the first clip
        network.from_statistics(CLIPS)


def test_damaged_boosting_is_refused():
    with pytest.raises(ValueError, match="labels go beyond"):
        small(Boosting, labels=torch.tensor([0, 2])).from_statistics(CLIPS)
    with pytest.raises(ValueError, match="start holds"):
        small(Boosting, start=torch.tensor([0.0, torch.nan])).check()


def test_a_wrong_depth_is_refused():
    network = small()
    network.depth = 1
    with pytest.raises(ValueError, match=r"network.depth is 1, but the trees go deeper"):
        network.from_statistics(CLIPS)


def test_statistics_are_what_they_say():
    rising = torch.arange(8.0)[None]
    found = clip_statistics(rising)
    assert len(found) == num_statistics(1, None)
    mean, deviation, tenth, median, ninetieth, step, unevenness, *parts = found.tolist()
    assert (mean, median, step, unevenness) == (3.5, 3.5, 1.0, 0.0)
    assert deviation == pytest.approx(rising.std(correction=0).item())
    assert (tenth, ninetieth) == pytest.approx((0.7, 6.3))
    assert parts == [-3.0, -1.0, 1.0, 3.0]


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 5])
def test_clips_of_any_length_have_statistics(frames):
    assert clip_statistics(torch.ones(3, frames), pitch_at=1).isfinite().all()


def test_statistics_do_not_depend_on_company():
    network = small()
    features = torch.randn(3, 1, 1, 50, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(50) < torch.tensor([50, 31, 7])[:, None]
    together = network.statistics(features, mask)
    for row, length in enumerate((50, 31, 7)):
        alone = network.statistics(features[row : row + 1, :, :, :length], mask[row : row + 1, :length])
        assert torch.equal(alone[0], together[row])


def test_the_course_of_pitch_ignores_pauses_and_tempo():
    contour = torch.linspace(-6, 6, 40, dtype=torch.float64)
    voiced = torch.ones(40, dtype=torch.float64)
    plain = pitch_statistics(contour, voiced)
    pause = torch.zeros(25, dtype=torch.float64)
    torch.testing.assert_close(pitch_statistics(torch.cat([pause - 9, contour]), torch.cat([pause, voiced])), plain)
    slow = pitch_statistics(contour.repeat_interleave(2), voiced.repeat_interleave(2))
    torch.testing.assert_close(slow, plain, atol=0.1, rtol=0.1)
    parts, slope, bend = plain[:6], plain[6], plain[7]
    assert (parts.diff() > 1.9).all()
    assert slope == pytest.approx(6, abs=0.2)  # semitones from the middle to the end
    assert abs(bend) < 0.1
    assert (pitch_statistics(contour, voiced * 0) == 0).all()


@pytest.mark.parametrize(
    ("names", "bands", "at"),
    [("mfcc+chroma", 32, None), ("pitch", 2, 0), ("mfcc+pitch+chroma", 34, 20), ("spectral_contrast+pitch", 9, 7)],
)
def test_pitch_is_found_among_the_bands(names, bands, at):
    assert pitch_band(AudioClsConfig(features=names), bands) == at
