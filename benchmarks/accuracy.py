"""Test accuracy and training time of the default settings on the bundled sounds, over several seeds.

The data's own train and test folders; the test part is only reported. The named peer, trained in the same run on the
same clips, is the classic: mean and standard deviation of 20 MFCC (and of their differences) in a random forest.

    python benchmarks/accuracy.py [--seeds 42 43 ...] [--check]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "everyday_sounds"
LEAST_ACCURACY = 0.88
MOST_SECONDS = 60.0


def forest_accuracy(audio, seed: int) -> tuple[float, float]:
    """Test accuracy and seconds of the random forest."""
    import librosa
    from sklearn.ensemble import RandomForestClassifier

    def statistics(clips) -> np.ndarray:
        rows = []
        for index in range(len(clips)):
            mfcc = librosa.feature.mfcc(y=clips.waveform(index), sr=audio.sampling_rate, n_mfcc=20)
            change = np.diff(mfcc, axis=1) if mfcc.shape[1] > 1 else np.zeros_like(mfcc)
            rows.append(np.concatenate([mfcc.mean(1), mfcc.std(1), change.std(1)]))
        return np.array(rows)

    started = time.perf_counter()
    parts = [audio.train, audio.validation]
    forest = RandomForestClassifier(500, random_state=seed, n_jobs=-1)
    forest.fit(np.concatenate([statistics(p) for p in parts]), np.concatenate([p.targets for p in parts]))
    accuracy = float((forest.predict(statistics(audio.test)) == audio.test.targets).mean())
    return accuracy, time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44, 45, 46, 47])
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    arguments = parser.parse_args()

    from audiocls.config import TrainConfig
    from audiocls.data.dataset import load_audio_data
    from audiocls.experiment import train

    ours, peer, seconds = [], [], []
    print(f"{'seed':>6}  {'cnn':>6}  {'95% interval':>14}  {'seconds':>8}  {'MFCC + forest':>14}  {'seconds':>8}")
    for seed in arguments.seeds:
        config = TrainConfig(seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            result = train(DATA, Path(folder) / "run", config)
        spent = sum(row["seconds"] for row in result.history)
        forest, forest_seconds = forest_accuracy(load_audio_data(str(DATA), config), seed)
        low, high = result.metrics["intervals"]["accuracy"]
        row = f"{seed:>6}  {result.metrics['accuracy']:>6.3f}  {low:>5.3f} to {high:>5.3f}  {spent:>8.1f}"
        print(f"{row}  {forest:>14.3f}  {forest_seconds:>8.1f}", flush=True)
        ours.append(result.metrics["accuracy"])
        peer.append(forest)
        seconds.append(spent)
    print(f"{'mean':>6}  {np.mean(ours):>6.3f}  {'':>14}  {np.mean(seconds):>8.1f}  {np.mean(peer):>14.3f}")
    missed = np.mean(ours) < LEAST_ACCURACY or np.mean(seconds) > MOST_SECONDS
    print(f"target: mean accuracy at least {LEAST_ACCURACY}, at most {MOST_SECONDS:.0f} s of training")
    return int(missed and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
