"""What a trained model still lacks: scores that mean what they say, thresholds, a sense of what is none of its classes,
and for recordings the scores from which an event is heard.

All of it is fitted on clips that the model has not learnt, in this order, since thresholds are of calibrated scores.
"""

import dataclasses
from typing import Any

import numpy as np

from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.field import in_the_field
from audiocls.evaluation.calibration import calibration_scores
from audiocls.finishing.detection import fit_detection
from audiocls.finishing.folding import fold
from audiocls.finishing.rejection import fit_rejection
from audiocls.finishing.temperature import Scaling, fit_scaling
from audiocls.finishing.thresholds import chosen_thresholds
from audiocls.inference.classifier import AudioClassifier
from audiocls.scoring import clip_scores
from audiocls.training.run import Fitted, HeldOut, Run

FEW_CLIPS = 50  # with fewer the temperature is worth a warning


def finish(fitted: Fitted, audio: AudioData, config: TrainConfig, run: Run) -> dict[str, Any]:
    """Calibrate a trained model, choose its thresholds, and teach it what is none of its classes.

    The model changes: its logits (see `folding`), `config.decision_thresholds`, what tells unknown sounds, and, if it
    is meant for recordings, `config.detection`.

    Args:
        fitted: with `held_out`, or else the validation part serves.
        audio: as it was trained on, at the model's sampling rate; the test part is not looked at.

    Returns:
        {"calibration", "thresholds", "rejection", "detection"}, plain values for training_config.json, None for what
        was not done.
    """
    record: dict[str, Any] = {"calibration": None, "thresholds": None, "rejection": None, "detection": None}
    given = audio
    audio = heard_audio(fitted, audio, config)
    if config.calibrate:
        held_out = held_out_predictions(fitted, audio)
        if held_out is None:
            run.say("not calibrated: no clips were held out (set validation_size above 0)")
        else:
            record |= calibrate(fitted.model, held_out, audio.labels, audio.multi_label)
            run.say(calibration_line(record["calibration"]))
    if config.rejection:
        classifier = AudioClassifier.of(fitted.model, fitted.extractor)
        record["rejection"] = fit_rejection(
            classifier, audio, config.acceptance, config.seed, run.progress_bar, fitted.held_out
        )
        if record["rejection"] is None:
            run.say("what is none of the classes cannot be told: too few clips were held out")
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    record["detection"] = fit_detection(classifier, given, config, run)
    return record


def heard_audio(fitted: Fitted, audio: AudioData, config: TrainConfig) -> AudioData:
    """The data as a model trained for the field is finished on: clean and in background, for that is what it will hear.

    Where a fit made predictions for the clean clips alone, the training clips are these.
    """
    heard = in_the_field(config, audio)
    if fitted.held_out is not None and len(fitted.held_out.targets) < len(heard.train):
        return dataclasses.replace(heard, train=audio.train, validation=audio.validation)
    return heard


def held_out_predictions(fitted: Fitted, audio: AudioData) -> HeldOut | None:
    """What is known of clips that were not learnt: from the fit itself, or now of the validation part."""
    if fitted.held_out is not None:
        return fitted.held_out
    clips = audio.validation
    if not len(clips):
        return None
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    return HeldOut(clip_scores(classifier, clips), clips.targets, list(clips.groups), "the validation part")


def calibrate(model: Any, held_out: HeldOut, labels: list[str], multi_label: bool) -> dict[str, Any]:
    """Fit a scaling and thresholds on held-out predictions and put both into the model.

    Returns:
        {"calibration": the record of it, "thresholds": {label: threshold} or None}.

    Raises:
        ModelError: the model's last layer is not linear.
    """
    scaling = fit_scaling(held_out.scores, held_out.targets, multi_label)
    fold(model, scaling)
    after = scaling.scores(held_out.scores, multi_label)
    thresholds = chosen_thresholds(after, held_out.targets, labels, multi_label)
    if thresholds is not None:
        model.config.decision_thresholds = thresholds
    elif hasattr(model.config, "decision_thresholds"):
        del model.config.decision_thresholds
    return {"calibration": calibration_record(scaling, held_out, after, labels, multi_label), "thresholds": thresholds}


def calibration_record(
    scaling: Scaling, held_out: HeldOut, after: np.ndarray, labels: list[str], multi_label: bool
) -> dict[str, Any]:
    """What training_config.json tells of a calibration.

    "scale" and "bias" are lists in the order of the labels, from which `told_scaling` makes a `Scaling` again. The
    errors before and after are of the clips it was fitted on: in hope rather than in proof.
    """
    record: dict[str, Any] = {"method": "scale and bias of each label" if multi_label else "temperature"}
    if not multi_label:
        record["temperature"] = scaling.temperature
    errors = [
        calibration_scores(held_out.targets, scores, multi_label, held_out.groups)
        for scores in (held_out.scores, after)
    ]
    return record | {
        "scale": scaling.scale.tolist(),
        "bias": None if scaling.bias is None else scaling.bias.tolist(),
        "fitted_on": held_out.origin,
        "clips": len(held_out.targets),
        "held_out_ece_before": errors[0]["ece"],
        "held_out_ece": errors[1]["ece"],
        "held_out_chance": errors[1]["chance"],
    }


def told_scaling(calibration: dict[str, Any]) -> Scaling:
    """The scaling that `calibration_record` told of."""
    bias = calibration["bias"]
    return Scaling(np.array(calibration["scale"]), None if bias is None else np.array(bias))


def calibration_line(calibration: dict[str, Any]) -> str:
    """What the person who waits is told."""
    how = f"temperature {calibration['temperature']:.2f}" if "temperature" in calibration else calibration["method"]
    clips = f"{calibration['clips']} clips"
    if calibration["clips"] < FEW_CLIPS:
        clips = f"only {clips}"
    return (
        f"calibrated on {calibration['fitted_on']} ({clips}): {how}; calibration error there "
        f"{calibration['held_out_ece_before']:.3f} before, {calibration['held_out_ece']:.3f} after"
    )
