"""Whether scores mean what they say: the calibration error on the test part of the bundled sounds, for every kind.

Each kind is trained, calibrated on what it held out of the training part, and scored on the test part as it was before
and as it is after: 15 bins of equal mass. Beside it the error that perfect scores would show on so few clips.

    python benchmarks/calibration.py [--models probe:whisper-tiny.en forest ...] [--seeds 42 43 44] [--check]
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accelerate import Accelerator

sys.path.insert(0, str(Path(__file__).parents[1]))

EVERYDAY = Path(__file__).parents[1] / "data" / "everyday_sounds"
WEIGHTS = "whisper-tiny.en"
MODELS = (f"probe:{WEIGHTS}", f"finetune:{WEIGHTS}", "forest", "boosting", "cnn", "auto")
MOST = 0.05  # after calibration, the mean over seeds, or the chance level where that is higher
SEEDS = (42, 43, 44)


@dataclass(frozen=True)
class Result:
    """Of one training: errors before and after, the interval of the latter, its chance level, and accuracies."""

    before: float
    after: float
    interval: list[float]
    chance: float
    chance_high: float
    accuracy_before: float
    accuracy: float
    how: str


def measure(model: str, seed: int) -> Result:
    """Train, calibrate and score one model."""
    from audiocls.config import TrainConfig
    from audiocls.data.dataset import load_audio_data
    from audiocls.evaluation.calibration import calibration_scores
    from audiocls.finishing.finish import finish, told_scaling
    from audiocls.finishing.folding import unfolded
    from audiocls.inference.classifier import AudioClassifier
    from audiocls.kinds import fit_kind, prepared
    from audiocls.scoring import clip_scores
    from audiocls.training.run import Run

    config = prepared(TrainConfig(model=model, seed=seed, rejection=False))
    audio = load_audio_data(str(EVERYDAY), config)
    run = Run(Accelerator())
    if config.kind == "auto":
        from audiocls.comparison.auto import choose
        from audiocls.comparison.material import Material

        choice = choose(Material(str(EVERYDAY), config, audio), config, run)
        fitted, audio = choice.fitted, choice.audio
    else:
        fitted = fit_kind(config, audio, run)
    calibration = finish(fitted, audio, config, run)["calibration"]
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    after = clip_scores(classifier, audio.test)
    with unfolded(fitted.model, told_scaling(calibration)):
        before = clip_scores(classifier, audio.test)
    targets = audio.test.targets
    found = [calibration_scores(targets, scores, False, audio.test.groups) for scores in (before, after)]
    return Result(
        found[0]["ece"],
        found[1]["ece"],
        found[1]["interval"],
        found[1]["chance"],
        found[1]["chance_high"],
        float((before.argmax(1) == targets).mean()),
        float((after.argmax(1) == targets).mean()),
        f"T {calibration['temperature']:.2f} of {calibration['clips']} clips",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    arguments = parser.parse_args()
    missed = []
    print("Expected calibration error on the test part of everyday_sounds, means over seeds")
    print(
        f"{'model':<24}  {'before':>6}  {'after':>6}  {'95% of one seed':>16}  {'chance':>6}  {'accuracy':>14}  "
        "by seed",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("AUDIOCLS_CACHE", cache)
        for model in arguments.models:
            rows = [measure(model, seed) for seed in arguments.seeds]
            before, after, chance, was, accuracy = (
                float(np.mean([getattr(row, name) for row in rows]))
                for name in ("before", "after", "chance", "accuracy_before", "accuracy")
            )
            interval = f"{rows[0].interval[0]:.3f} to {rows[0].interval[1]:.3f}"
            by_seed = "; ".join(f"{row.before:.3f} > {row.after:.3f} ({row.how})" for row in rows)
            print(
                f"{model:<24}  {before:>6.3f}  {after:>6.3f}  {interval:>16}  {chance:>6.3f}  "
                f"{f'{was:.3f} > {accuracy:.3f}':>14}  {by_seed}",
                flush=True,
            )
            if after > max(MOST, chance):
                missed.append(f"{model}: {after:.3f}, wanted {max(MOST, chance):.3f}")
            if any(row.accuracy != row.accuracy_before for row in rows):
                missed.append(f"{model}: calibration changed answers")
    print("\n" + ("missed: " + "; ".join(missed) if missed else "every target reached"))
    return int(bool(missed) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
