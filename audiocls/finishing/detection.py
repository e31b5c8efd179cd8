"""From which score on an event is heard in a long recording: chosen on recordings made of clips that were not learnt.

Clips are answered one at a time; in a recording most windows hold no event, and many a part of one. So thresholds for
clips are none for recordings, and recordings with known events are made, for nobody has labelled any.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import load_backgrounds
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.field import USUAL_SNR_DB, field_snr_db
from audiocls.data.mixtures import make_recording
from audiocls.detection.event import Event
from audiocls.detection.options import DetectOptions
from audiocls.detection.sweep import Sweep
from audiocls.detection.thresholds import DEFAULT_THRESHOLD
from audiocls.evaluation.event_scores import COLLAR_SECONDS, Findings, Tally, tally_events
from audiocls.finishing.event_thresholds import thresholds_for_events
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.model_config import OWN_TYPES
from audiocls.training.batches import soft_targets
from audiocls.training.run import Run

RECORDING_SECONDS = 60.0
NUM_RECORDINGS = 10
NUM_SLOW_RECORDINGS = 5  # for pretrained transformers, which hear a hundred times slower
LEAST_CLIPS = 5  # held out; of fewer, recordings would hold the same few again and again
LEAST_OF_CLASS = 2  # of them
# Where too few are held out, of each class's training clips. In new noise and new places they are heard much as others
# are: a second model without them gave thresholds that were no better on other clips (docs/experiments.md).
LEARNT_SHARE = 0.3
LEAST_LEARNT = 10
SEED = 7  # added to the run's, so that no generator of the training is met again


@dataclass(frozen=True)
class Made:
    """A recording that was made: float32 (time,), and what is in it."""

    waveform: np.ndarray
    events: list[Event]


def fit_detection(
    classifier: AudioClassifier, audio: AudioData, config: TrainConfig, run: Run
) -> dict[str, Any] | None:
    """Choose the thresholds from which a model that is else complete hears events; put them into `config.detection`.

    Only for models that are meant for recordings: trained for the field, or on data with clips of no class.

    Args:
        classifier: calibrated.
        audio: as it was trained on, without copies in background; the test part is not looked at.

    Returns:
        {"window_seconds", "hop_seconds", "thresholds": {label: threshold}, "fitted_on", "event_f1"}, plain values;
        None where it was not done.

    Raises:
        DataError: as `load_backgrounds`.
    """
    if hasattr(classifier.model.config, "detection"):
        del classifier.model.config.detection
    if field_snr_db(config) is None and not len(audio.negatives):
        return None
    clips, origin = recording_clips(audio, config.seed)
    return (
        choose(classifier, clips, origin, audio, config, run.say, learnt=not _suffices(audio)) if len(clips) else None
    )


def refit_detection(
    classifier: AudioClassifier, audio: AudioData, seed: int, say: Callable[[str], None]
) -> dict[str, Any] | None:
    """As `fit_detection`, for a model that was calibrated anew: its old thresholds are of scores that it gives no more.

    Args:
        audio: its test part holds clips that the model has not learnt.

    Returns:
        None for a model that had no such thresholds.
    """
    if not getattr(classifier.model.config, "detection", None):
        return None
    new = dataclasses.replace(audio, train=audio.test)
    config = TrainConfig(noise_snr_db=USUAL_SNR_DB, seed=seed)
    return choose(classifier, audio.test, f"the {len(audio.test)} clips of {audio.name}", new, config, say)


def choose(
    classifier: AudioClassifier,
    clips: Clips,
    origin: str,
    audio: AudioData,
    config: TrainConfig,
    say: Callable[[str], None],
    *,
    learnt: bool = False,
) -> dict[str, Any]:
    """Make recordings of clips, choose thresholds on them and put these into `config.detection`.

    Args:
        learnt: the model has learnt these clips and is surer of them than of any others, so they are no reason to ask
            for more than the default.
    """
    model_config = classifier.model.config
    slow = model_config.model_type not in OWN_TYPES
    recordings = make_recordings(clips, audio, config, NUM_SLOW_RECORDINGS if slow else NUM_RECORDINGS)
    sweeps = [_heard(classifier, made.waveform) for made in recordings]

    def found(thresholds: np.ndarray) -> Tally:
        pairs = zip(recordings, sweeps, strict=True)
        return tally_events(
            [Findings("", RECORDING_SECONDS, made.events, sweep.events(thresholds)) for made, sweep in pairs],
            audio.labels,
            COLLAR_SECONDS,
        )

    chosen = thresholds_for_events(found, len(audio.labels), audio.multi_label)
    if learnt and chosen.min() >= DEFAULT_THRESHOLD:
        chosen[:] = DEFAULT_THRESHOLD
    reached = found(chosen)
    total = Tally(reached.hits.sum(0), reached.found.sum(0), reached.true.sum(0)).together()
    f1 = float(np.nan_to_num(total.f1()[0]))
    model_config.detection = {
        "window_seconds": sweeps[0].plan.window_seconds,
        "hop_seconds": sweeps[0].plan.hop_seconds,
        "thresholds": dict(zip(audio.labels, chosen.tolist(), strict=True)),
        "fitted_on": f"{len(recordings)} recordings of {RECORDING_SECONDS:g} s made of {origin}",
        "event_f1": f1,
    }
    say(f"thresholds for events chosen on {model_config.detection['fitted_on']}: F1 there {f1:.3f}")
    return model_config.detection


def recording_clips(audio: AudioData, seed: int) -> tuple[Clips, str]:
    """The clips to make recordings of, and what they are, for people: the validation part, or some learnt clips."""
    if _suffices(audio):
        return audio.validation, f"{len(audio.validation)} clips of the validation part"
    rng = np.random.default_rng([seed, SEED])
    chosen: set[int] = set()
    for has in (soft_targets(audio.train, len(audio.labels)) > 0.5).T:
        count = max(LEAST_LEARNT, round(LEARNT_SHARE * int(has.sum())))
        chosen |= set(rng.permutation(np.flatnonzero(has))[:count].tolist())
    why = "too few were held out" if len(audio.validation) else "none were held out"
    return audio.train.subset(sorted(chosen)), f"{len(chosen)} clips that it has learnt, since {why}"


def _suffices(audio: AudioData) -> bool:
    """Whether the validation part has clips enough, of each class."""
    clips = audio.validation
    return len(clips) >= LEAST_CLIPS and bool(
        ((soft_targets(clips, len(audio.labels)) > 0.5).sum(0) >= LEAST_OF_CLASS).all()
    )


def make_recordings(clips: Clips, audio: AudioData, config: TrainConfig, count: int) -> list[Made]:
    """Recordings with the clips as events, in the backgrounds that the run trained in or else would have."""
    backgrounds, snr_db = load_backgrounds(config, audio), field_snr_db(config) or USUAL_SNR_DB
    made = []
    for number in range(count):
        rng = np.random.default_rng([config.seed, SEED, number])
        waveform, placed = make_recording(clips, audio.labels, backgrounds, RECORDING_SECONDS, snr_db, rng)
        made.append(Made(waveform, [Event(start, end, label) for start, end, label, _ in placed]))
    return made


def _heard(classifier: AudioClassifier, waveform: np.ndarray) -> Sweep:
    sweep = Sweep(classifier, DetectOptions())
    sweep.push(waveform)
    sweep.finish()
    return sweep
