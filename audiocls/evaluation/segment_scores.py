"""How sure a model was of each label in each second of a recording, whatever the thresholds: for average precision."""

from collections.abc import Sequence

import numpy as np

from audiocls.detection.hearing import Heard
from audiocls.detection.plan import Plan

# Of a segment's score, what comes of the sounds in it that were heard from edge to edge; the rest is of windows, which
# also hear what lies around the segment. Chosen on recordings made of clips that the models had not learnt.
SOUND_SHARE = 0.9


def segment_scores(heard: Sequence[Heard], plan: Plan, seconds: float, segment_seconds: float) -> np.ndarray:
    """The score of each reported label in each segment of a recording, float32 (segments, labels), 0 to 1.

    Mostly the best score of the sounds that reach into the segment, none of which is 0; and a little the best score of
    the windows whose middle lies in it, or of the nearest. What is silent has no scores.

    Args:
        heard: everything that a `Hearing` gave of the recording.
    """
    count = int(np.ceil(seconds / segment_seconds))
    best = np.zeros((count, len(plan.labels)), np.float32)
    for sound in (sound for part in heard for sound in part.sounds):
        if sound.known != -np.inf:
            first = int(sound.start / plan.sampling_rate / segment_seconds)
            last = int(np.ceil(sound.stop / plan.sampling_rate / segment_seconds))
            best[first:last] = np.maximum(best[first:last], sound.scores)
    windows = [each for part in heard for each in part.windows]
    if windows and count:
        scores = np.concatenate([each.scores for each in windows])
        silent = np.concatenate([each.known for each in windows]) == -np.inf
        scores = np.where(silent[:, None], np.float32(0), scores)
        around = by_middle(scores, plan.window_seconds, plan.hop_seconds, seconds, segment_seconds)
        best = (SOUND_SHARE * best + (1 - SOUND_SHARE) * around).astype(np.float32)
    return best[:, plan.reported]


def by_middle(
    scores: np.ndarray, window_seconds: float, hop_seconds: float, seconds: float, segment_seconds: float
) -> np.ndarray:
    """The best score of the windows whose middle lies in each segment, or the nearest window's.

    Args:
        scores: float32 (windows, labels), at least one window; the last one may be shorter than the others.

    Returns:
        float32 (segments, labels).
    """
    starts = np.arange(len(scores)) * hop_seconds
    middles = (starts + np.minimum(starts + window_seconds, seconds)) / 2
    count = int(np.ceil(seconds / segment_seconds))
    best = np.full((count, scores.shape[1]), -np.inf, np.float32)
    np.maximum.at(best, np.clip((middles / segment_seconds).astype(int), 0, count - 1), scores)
    for row in np.flatnonzero(np.isinf(best[:, 0])):
        best[row] = scores[np.argmin(np.abs(middles - (row + 0.5) * segment_seconds))]
    return best
