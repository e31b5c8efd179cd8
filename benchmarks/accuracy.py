"""How well every kind of model does, beside the classic and a plain pretrained baseline, on three data sets.

everyday: the bundled sounds, their own train and test folders, several seeds; the test part is only reported.
drums:    drum hits by kit, 5 grouped folds. tones: Mandarin tones, each of two speakers unseen in turn.

Folds of drums and tones are outer ones: a kind that chooses (auto, probe, forest) does so inside the training part.
Peers, trained in the same run: MFCC statistics in a random forest; the mean of Whisper's last layer in
a logistic regression. The last two sets are made from Debian packages (benchmarks/sound_sets.py).

    python benchmarks/accuracy.py [--sets everyday drums tones] [--models cnn auto ...] [--seeds 42 43 44] [--check]
"""

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from datasets import disable_progress_bars

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import mfcc_forest, whisper_regression
from benchmarks.sound_sets import prepare

EVERYDAY = Path(__file__).parents[1] / "data" / "everyday_sounds"
WEIGHTS = "whisper-tiny.en"
MODELS = ("cnn", "cnn1d", "crnn", "forest", "boosting", f"probe:{WEIGHTS}", f"finetune:{WEIGHTS}", "auto")
PEERS: dict[str, Callable] = {"MFCC + forest": mfcc_forest, "Whisper + regression": whisper_regression}
SCORE = {"everyday": "accuracy", "drums": "balanced_accuracy", "tones": "balanced_accuracy"}
# set -> model -> least mean score
TARGETS = {
    "everyday": {"cnn": 0.88, f"probe:{WEIGHTS}": 0.94, f"finetune:{WEIGHTS}": 0.95, "auto": 0.96, "forest": 0.88},
    "drums": {"auto": 0.82},
    "tones": {"auto": 0.45},
}
FOLDS = 5


def splits(name: str, sets: Path, seed: int) -> Iterator:
    """Where data comes from, and the data with a training and a test part: one of `everyday`, one a fold of others."""
    from audiocls.comparison.folds import make_folds
    from audiocls.config import TrainConfig
    from audiocls.data.dataset import load_audio_data

    if name == "everyday":
        yield str(EVERYDAY), load_audio_data(str(EVERYDAY), TrainConfig(validation_size=0.0, seed=seed))
        return
    source = str(prepare(sets)[name])
    audio = load_audio_data(source, TrainConfig(validation_size=0.0, test_size=0.0))
    if name == "tones":
        folds = np.unique([str(group) for group in audio.train.groups], return_inverse=True)[1]
    else:
        folds = make_folds(audio, FOLDS, seed)
    for fold in range(folds.max() + 1):
        kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        yield source, dataclasses.replace(audio, train=audio.train.subset(kept), test=audio.train.subset(held_out))


def our_scores(model: str, source: str, audio, seed: int) -> tuple[np.ndarray, float, str]:
    """Probabilities (clips, labels) of the test part, seconds of training, and what was chosen."""
    from audiocls.config import TrainConfig
    from audiocls.inference.classifier import AudioClassifier
    from audiocls.kinds import prepared
    from audiocls.training.run import Run

    config = prepared(TrainConfig(model=model, seed=seed))
    shutil.rmtree(Path(os.environ["AUDIOCLS_CACHE"]) / "features", ignore_errors=True)  # or a second seed hears nothing
    started = time.perf_counter()
    run = Run(Accelerator())
    if config.kind == "auto":
        from audiocls.comparison.auto import choose
        from audiocls.comparison.material import Material

        choice = choose(Material(source, config, audio), config, run)
        fitted, audio = choice.fitted, choice.audio
    else:
        from audiocls.kinds import fit_kind

        fitted = fit_kind(config, audio, run)
    seconds = time.perf_counter() - started
    classifier = AudioClassifier.of(fitted.model, fitted.extractor)
    waveforms = [audio.test.waveform(index) for index in range(len(audio.test))]
    return classifier.predict_waveforms(waveforms), seconds, str(fitted.details.get("chosen", ""))


def measure(name: str, model: str, sets: Path, seed: int) -> tuple[float, list[float], float, str]:
    """Score over all test clips of a set with its 95% interval, mean seconds of training, and what auto chose."""
    from audiocls.evaluation.evaluation import evaluate_scores

    truth, scores, groups, files, seconds, chosen, labels = [], [], [], [], [], [], []
    for source, audio in splits(name, sets, seed):
        if model in PEERS:
            started = time.perf_counter()
            answer = PEERS[model](audio, seed)
            spent, choice = time.perf_counter() - started, ""
        else:
            answer, spent, choice = our_scores(model, source, audio, seed)
        truth.append(audio.test.targets)
        scores.append(answer)
        groups += audio.test.groups
        files += audio.test.files
        seconds.append(spent)
        chosen.append(choice)
        labels = audio.labels
    result = evaluate_scores(files, np.concatenate(truth), np.concatenate(scores), labels, groups, "outer").metrics
    score = SCORE[name]
    return result[score], result["intervals"][score], float(np.mean(seconds)), ", ".join(dict.fromkeys(chosen))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SCORE, default=list(SCORE))
    parser.add_argument("--models", nargs="+", default=[*PEERS, *MODELS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "audiocls-benchmarks")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    arguments = parser.parse_args()
    disable_progress_bars()
    os.environ["AUDIOCLS_CACHE"] = str(arguments.folder / "cache")
    missed = []
    for name in arguments.sets:
        print(f"\n{name}: {SCORE[name].replace('_', ' ')}")
        print(
            f"{'model':<26}  {'mean':>6}  {'95% interval of one seed':>24}  {'by seed':<20}  {'seconds':>7}", flush=True
        )
        for model in arguments.models:
            rows = [measure(name, model, arguments.folder, seed) for seed in arguments.seeds]
            mean, (low, high) = float(np.mean([row[0] for row in rows])), rows[0][1]
            by_seed = " ".join(f"{row[0]:.3f}" for row in rows)
            seconds = np.mean([row[2] for row in rows])
            line = f"{model:<26}  {mean:>6.3f}  {f'{low:.3f} to {high:.3f}':>24}  {by_seed:<20}  {seconds:>7.1f}"
            print(f"{line}  {'; '.join(dict.fromkeys(row[3] for row in rows))}".rstrip(), flush=True)
            least = TARGETS[name].get(model)
            if least is not None and mean < least:
                missed.append(f"{model} on {name}: {mean:.3f}, wanted {least}")
    print("\n" + ("missed: " + "; ".join(missed) if missed else "every target reached"))
    return int(bool(missed) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
