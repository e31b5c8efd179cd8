"""Teaching a trained model what is none of its classes: `KnownSounds` fitted on clips, and its threshold.

What a known clip scores is learnt from clips that the model scores as it scores new ones: those of the training part
without their own group where features were not learnt, as in a frozen model; those of the validation part where they
were; or from predictions of models that had not learnt them. Silence needs no fitting.
"""

from typing import Any

import numpy as np
import torch

from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.extra import num_extra
from audiocls.finishing.acceptance import lowest_passing, passing
from audiocls.finishing.known_views import NEIGHBOURS, FeatureViews, Values, heard_windows
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.rejection_file import attach_rejection
from audiocls.inference.windows import Listener
from audiocls.models.modeling_audiocls import AudioClsForAudioClassification
from audiocls.models.rejection import KnownSounds
from audiocls.scoring import clip_answers
from audiocls.training.batches import soft_targets
from audiocls.training.logits import SMALLEST
from audiocls.training.run import HeldOut

MOST_CLIPS = 2000  # to learn from, and as many of no class
LEAST_CLIPS = 10  # scored as new ones; with fewer no threshold means anything


def fit_rejection(
    classifier: AudioClassifier,
    audio: AudioData,
    acceptance: float,
    seed: int,
    progress_bar: bool = False,
    held_out: HeldOut | None = None,
) -> dict[str, Any] | None:
    """Teach a classifier's model what is none of its classes.

    Where `audio` has no training clips and the model can tell already, its threshold alone is fitted anew, on the
    validation clips or those of data without parts.

    Args:
        classifier: its model gets `known_sounds` and `config.rejection`.
        audio: what it was trained on, at its sampling rate; the test part is not looked at. Clips of no class
            (`audio.negatives`) make the score better.
        acceptance: the share of the classes' own clips that shall pass, above 0 and at most 1.
        held_out: predictions for the training clips by models that had not learnt them, before any calibration.

    Returns:
        Plain values for training_config.json; None, and an unchanged model, when there are too few clips.
    """
    listener = classifier.listener
    if not len(audio.train) and listener.known_sounds is not None:
        return refit_threshold(classifier, unlearnt_clips(audio), acceptance, audio.name)
    found = values_of(listener, audio, seed, held_out)
    if found is None:
        return None
    new, learnt, features, fitted_on = found
    views = list(new or learnt)
    basis = table(learnt if len(table(learnt)) >= LEAST_CLIPS else new)
    if len(basis) < LEAST_CLIPS:
        return None
    at, by = basis.mean(0), np.maximum(basis.std(0), 1e-6)
    scores, learnt_scores = (((table(values) - at) / by).mean(1) for values in (new, learnt))
    tensors = features.tensors() if features else no_tensors()
    settings = {
        "views": {name: [float(at[n]), float(by[n])] for n, name in enumerate(views)},
        "width": len(tensors["centre"]),
        "references": len(tensors["references"]),
        "outputs": len(tensors["bias"]),
        "neighbours": NEIGHBOURS,
        "threshold": passing(scores, learnt_scores, acceptance),
        "acceptance": acceptance,
    }
    attach_rejection(classifier.model, settings, tensors)
    return told(settings, fitted_on, len(scores) or len(learnt_scores)) | {
        "negatives": min(len(audio.negatives), MOST_CLIPS) if "head" in views else 0
    }


def refit_threshold(classifier: AudioClassifier, clips: Clips, acceptance: float, name: str) -> dict[str, Any] | None:
    """Fit the threshold alone on clips that the model has not learnt; None when they are too few."""
    known = classifier.listener.known_sounds
    scores = known_scores(classifier, clips)
    scores = scores[np.isfinite(scores)]
    if known is None or len(scores) < LEAST_CLIPS:
        return None
    known.threshold = lowest_passing(scores, acceptance)
    settings = {**classifier.model.config.rejection, "threshold": known.threshold, "acceptance": acceptance}
    classifier.model.config.rejection = settings
    return told(settings, name, len(scores))


def known_scores(classifier: AudioClassifier, clips: Clips, batch_size: int = 16) -> np.ndarray:
    """Known scores float32 (clips,): -inf for silence, NaN for other clips where the model cannot tell."""
    answers = clip_answers(classifier, clips, batch_size)
    return np.array([_score(answer) for answer in answers], np.float32)


def _score(answer: Any) -> float:
    if answer.reason == "silent":
        return -np.inf
    return np.nan if answer.known_score is None else answer.known_score


def told(settings: dict[str, Any], fitted_on: str, clips: int) -> dict[str, Any]:
    """What training_config.json tells."""
    near = "near" in settings["views"]
    return {
        "score": " + ".join(settings["views"]),
        "threshold": settings["threshold"],
        "acceptance": settings["acceptance"],
        "fitted_on": fitted_on,
        "clips": clips,
        "references": settings["references"] if near else 0,
        "neighbours": settings["neighbours"] if near else 0,
    }


def unlearnt_clips(audio: AudioData) -> Clips:
    """The validation clips, or those of data that is not divided."""
    return audio.validation if len(audio.validation) or audio.test_name != "all" else audio.test


def values_of(
    listener: Listener, audio: AudioData, seed: int, held_out: HeldOut | None
) -> tuple[Values, Values, FeatureViews | None, str] | None:
    """Values of the views that can be fitted honestly.

    Returns:
        Those of clips that count as new, those of clips that the features were learnt from (no clips where that is
        not so), the views of features if there are any, and what the first are, for people. None without any view.
    """
    rng = np.random.default_rng([seed, 1])
    chosen = np.sort(rng.permutation(len(audio.train))[:MOST_CLIPS])
    clips = audio.train.subset(chosen) if len(chosen) else unlearnt_clips(audio)
    trained = len(chosen) > 0
    kind = kind_of(listener)
    # A transformer without held-out predictions is no probe: like a network, it learnt its features on these clips.
    shaped = kind == "network" or (kind == "transformers" and held_out is None)
    own = heard_windows(listener, clips)
    validation = heard_windows(listener, audio.validation.subset([]) if not trained else audio.validation)
    negatives = heard_windows(listener, audio.negatives.subset(rng.permutation(len(audio.negatives))[:MOST_CLIPS]))
    predicted = sureness_of(held_out, audio, chosen) if trained else None

    views = ["near", "head"]
    if kind == "trees":
        views = ["sure", "head"] if len(negatives.owners) else ["sure"]
    elif own.features is None or (kind == "network" and predicted is not None and not len(validation.owners)):
        views = ["sure"]
    elif kind == "ensemble":
        views += ["sure"] if predicted is not None or not trained else []
    honest_logits = not trained
    unknown_sureness = predicted is None and trained and not len(validation.owners)
    if not len(own.owners) or ("sure" in views and unknown_sureness and "head" not in views):
        return None

    features: FeatureViews | None = None
    first: Values = {}
    second: Values = {}
    if "head" in views:
        features = FeatureViews(own, soft_targets(clips, listener.num_labels), list(clips.groups), negatives, seed)
        first, second = features.honest(), features.of(validation) if len(validation.owners) else {}
    if "sure" in views:
        nothing = np.full(len(clips), np.nan)
        first["sure"] = own.sureness(listener.multi_label) if honest_logits else nothing
        first["sure"] = first["sure"] if predicted is None else predicted
        second["sure"] = validation.sureness(listener.multi_label)
    first = {name: first[name] for name in views}
    second = {name: second[name] for name in views} if len(validation.owners) else {}
    sources = [f"{len(table(first))} training clips scored without their group"] if trained else [audio.name]
    if second:
        sources.append(f"{len(table(second))} validation clips")
    if shaped and trained and "head" in views:
        return second, first, features, " and ".join(sources)
    both = {name: np.concatenate([first[name], second.get(name, np.zeros(0))]) for name in views}
    return both, {name: np.zeros(0) for name in views}, features, " and ".join(sources)


def kind_of(listener: Listener) -> str:
    """Where features come from: "trees" (statistics), a "network" that learnt them, "ensemble" or "transformers"."""
    if listener.extractor is not None:
        return "transformers"
    if not isinstance(listener.model, AudioClsForAudioClassification):
        return "ensemble"
    return "trees" if listener.averages_scores else "network"


def sureness_of(held_out: HeldOut | None, audio: AudioData, chosen: np.ndarray) -> np.ndarray | None:
    """The view `sure` of the chosen training clips, by models that had not learnt them; None where it is not known.

    Predictions may follow for more views of the same clips; the first ones count. NaN for clips without any.
    """
    if held_out is None:
        return None
    targets = audio.train.targets
    if len(held_out.targets) != len(targets):  # folds have no extra clips, which come last
        targets = targets[: len(targets) - num_extra(audio.train)]
    if not np.array_equal(held_out.targets[: len(targets)], targets):
        return None
    scores = np.full((len(audio.train), held_out.scores.shape[1]), np.nan)
    scores[: len(targets)] = held_out.scores[: len(targets)].clip(SMALLEST, 1 - SMALLEST)
    return np.log(scores[chosen].max(1))


def table(values: Values) -> np.ndarray:
    """Views side by side, float64 (clips, views), of the clips that have all of them."""
    if not values:
        return np.zeros((0, 1))
    rows = np.stack(list(values.values()), axis=1)
    return rows[np.isfinite(rows).all(1)]


def no_tensors() -> dict[str, torch.Tensor]:
    """The state dict of `KnownSounds` that looks at no features."""
    shapes = {"views": {"sure": [0.0, 1.0]}, "width": 1, "references": 1, "outputs": 1, "neighbours": 1, "threshold": 0}
    return KnownSounds(shapes, 1).state_dict()
