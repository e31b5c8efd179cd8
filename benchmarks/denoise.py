"""What noise reduction is worth: for the ear, for accuracy and in time, beside the noisereduce package.

gain:     clips of everyday_sounds within three seconds of noise, at several signal-to-noise ratios; by how many dB the
          result is nearer to the clip than the mixture was (SI-SDR: Le Roux et al. 2019, "SDR - half-baked or well
          done?"; segmental SNR: over frames of 32 ms, each from -10 to 35 dB).
accuracy: models trained without and with it, on clips that they have not learnt (grouped folds), clean and in noise.
          Rows name where noise is reduced: nowhere, when the model is used, or in the model itself.
speed:    seconds of sound a second of processor time, on one thread, and as a multiple of the package's.

Noises: white, pink, and two real ones of a Debian package, the hiss of a record and of a sauna. All is of the training
part: settings were chosen with this script, and the test part was not looked at.

    python benchmarks/denoise.py [--parts gain accuracy speed] [--models forest cnn ...] [--folder FOLDER] [--check]
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import noisereduce
import numpy as np
import torch
from accelerate import Accelerator
from datasets import disable_progress_bars

sys.path.insert(0, str(Path(__file__).parents[1]))

from audiocls.audio.decoding import decode
from audiocls.audio.denoising import denoise
from audiocls.comparison.folds import make_folds
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.inference.classifier import AudioClassifier
from audiocls.kinds import fit_kind, prepared
from audiocls.models.denoising import METHODS, SpectralGate, denoise_settings
from audiocls.training.run import Run
from benchmarks.sound_sets import fetch

EVERYDAY = Path(__file__).parents[1] / "data" / "everyday_sounds"
PACKAGE = "sonic-pi-samples"
RECORDED = {"record": "vinyl_hiss.flac", "sauna": "ambi_sauna.flac"}
NOISES = ("white", "pink", *RECORDED)
RATE = 16000
LENGTH = 3 * RATE
SNRS_DB = (0, 5, 10, 20)
CLIPS_A_CLASS = 4  # of the gain
MODELS = ("forest", "probe:whisper-tiny.en", "cnn")
FOLDS = 3
EPOCHS = 20  # of networks
FIELD_SNR_DB = (0.0, 20.0)
# How a model is trained (in noise or on clips as they are; with noise reduction as its part), and what is done to a
# sound before it is given to the model.
ROWS: dict[str, tuple[bool, str, str]] = {
    "nothing": (False, "no", ""),
    "before: stationary": (False, "no", "stationary"),
    "before: nonstationary": (False, "no", "nonstationary"),
    "before: noisereduce": (False, "no", "noisereduce"),
    "in the model: stationary": (False, "stationary", ""),
    "in the model: nonstationary": (False, "nonstationary", ""),
    "trained in noise": (True, "no", ""),
    "in noise, before: stationary": (True, "no", "stationary"),
    "in noise, in the model: stationary": (True, "stationary", ""),
    "in noise, in the model: nonstationary": (True, "nonstationary", ""),
}

Noise = Callable[[np.random.Generator], np.ndarray]


def noises(folder: Path) -> dict[str, Noise]:
    """Each a function from a generator to float32 (LENGTH,)."""
    unpacked = fetch([PACKAGE], folder / "packages") / PACKAGE
    found: dict[str, Noise] = {"white": lambda rng: coloured(rng, 0.0), "pink": lambda rng: coloured(rng, 1.0)}
    for name, file in RECORDED.items():
        recording = decode(next(unpacked.rglob(file)), RATE)
        found[name] = lambda rng, sound=recording: np.resize(np.roll(sound, -rng.integers(len(sound))), LENGTH)
    return found


def coloured(rng: np.random.Generator, slope: float) -> np.ndarray:
    """Gaussian noise whose power falls as frequency ** -slope."""
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    frequency = np.maximum(np.arange(len(spectrum)), 1)
    return np.fft.irfft(spectrum * frequency ** (-slope / 2), LENGTH).astype(np.float32)


def mixture(clip: np.ndarray, noise: Noise, snr_db: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A clip somewhere in three seconds, float32 (LENGTH,), without and with noise at that ratio under it."""
    clip = clip[:LENGTH]
    at = int(rng.integers(LENGTH - len(clip) + 1))
    inside = slice(at, at + len(clip))
    clean, sound = np.zeros(LENGTH, np.float32), noise(rng)
    clean[inside] = clip * (0.05 / max(float(np.sqrt((clip**2).mean())), 1e-9))
    level = np.sqrt((clean[inside] ** 2).mean() / max(float((sound[inside] ** 2).mean()), 1e-12))
    return clean, (clean + sound * level * 10 ** (-snr_db / 20)).astype(np.float32)


def si_sdr(sound: np.ndarray, clean: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    target = clean * (sound @ clean / (clean @ clean))
    return float(10 * np.log10(max(target @ target, 1e-12) / max(float(((sound - target) ** 2).sum()), 1e-12)))


def segmental_snr(sound: np.ndarray, clean: np.ndarray, frame: int = 512) -> float:
    """Mean over frames with anything of the clip in them, each from -10 to 35 dB."""
    frames = [each[: len(each) // frame * frame].reshape(-1, frame) for each in (clean, sound - clean)]
    power, error = ((each**2).sum(1) for each in frames)
    ratios = np.clip(10 * np.log10((power + 1e-12) / (error + 1e-12)), -10, 35)
    return float(ratios[power > 1e-4 * power.max()].mean())


def package(waveform: np.ndarray, method: str, **settings: Any) -> np.ndarray:
    """The noisereduce package, as it comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by the noise it finds in silence
        return noisereduce.reduce_noise(waveform, RATE, stationary=method == "stationary", **settings)


def gated(waveform: np.ndarray, method: str) -> np.ndarray:
    """One window as a model hears it."""
    gate = SpectralGate(denoise_settings(method, RATE), RATE)
    with torch.inference_mode():
        return gate(torch.from_numpy(waveform)[None])[0].numpy()


def measure_gain(audio: AudioData, folder: Path) -> dict[str, dict[int, float]]:
    """Prints the table; mean SI-SDR gain by row and ratio."""
    sources, clips = noises(folder), audio.train
    members = [np.flatnonzero(clips.targets == label) for label in range(len(audio.labels))]
    drawn = [np.random.default_rng(label).permutation(each)[:CLIPS_A_CLASS] for label, each in enumerate(members)]
    chosen = np.concatenate(drawn)
    rows = {f"audiocls {method}": (gated, method) for method in METHODS}
    rows |= {f"noisereduce {method}": (package, method) for method in METHODS}
    gains: dict[str, list[tuple[str, int, float, float]]] = {name: [] for name in rows}
    for index in chosen.tolist():
        for number, (name, noise) in enumerate(sources.items()):
            for snr_db in SNRS_DB:
                rng = np.random.default_rng([index, number, snr_db])
                clean, mixed = mixture(np.array(clips.waveform(index)), noise, snr_db, rng)
                before = si_sdr(mixed, clean), segmental_snr(mixed, clean)
                for row, (reduce, method) in rows.items():
                    sound = reduce(mixed, method)
                    after = si_sdr(sound, clean), segmental_snr(sound, clean)
                    gains[row].append((name, snr_db, after[0] - before[0], after[1] - before[1]))
    print(f"\nGain in dB, {len(chosen)} clips, {len(sources)} noises")
    print(
        f"{'':<26}" + "".join(f"{f'SI-SDR {snr} dB':>14}" for snr in SNRS_DB) + "".join(f"{n:>8}" for n in sources)
        + "".join(f"{f'seg. {snr} dB':>12}" for snr in SNRS_DB)
    )  # fmt: skip
    means = {}
    for row, found in gains.items():
        means[row] = {snr: statistics.fmean(each[2] for each in found if each[1] == snr) for snr in SNRS_DB}
        by_noise = [statistics.fmean(each[2] for each in found if each[0] == name) for name in sources]
        segmental = [statistics.fmean(each[3] for each in found if each[1] == snr) for snr in SNRS_DB]
        print(
            f"{row:<26}" + "".join(f"{gain:>14.2f}" for gain in means[row].values())
            + "".join(f"{gain:>8.2f}" for gain in by_noise) + "".join(f"{gain:>12.2f}" for gain in segmental),
            flush=True,
        )  # fmt: skip
    return means


def measure_accuracy(
    audio: AudioData, folder: Path, model: str, rows: list[str], chosen: list[int], seed: int = 42
) -> dict[str, float]:
    """Prints a table of one kind of model in the chosen folds; mean accuracy in noise by row."""
    sources = list(noises(folder).values())
    folds = make_folds(audio, FOLDS, seed)
    conditions = ("clean", *SNRS_DB[::-1])
    parts = [
        dataclasses.replace(
            audio,
            train=audio.train.subset(np.flatnonzero(folds != fold)),
            test=audio.train.subset(np.flatnonzero(folds == fold)),
        )
        for fold in chosen
    ]
    mixed = [
        {each: [heard_clip(part, row, each, sources) for row in range(len(part.test))] for each in conditions}
        for part in parts
    ]
    fitted: dict[tuple[int, bool, str], AudioClassifier] = {}
    print(f"\nAccuracy of {model}, {sum(len(part.test) for part in parts)} clips in {len(parts)} grouped folds")
    print(f"{'noise is reduced':<40}" + "".join(f"{f'{c} dB' if c != 'clean' else c:>9}" for c in conditions))
    means = {}
    for row in rows:
        in_noise, inside, before = ROWS[row]
        right: dict[Any, list[bool]] = {each: [] for each in conditions}
        for fold, part, sounds in zip(chosen, parts, mixed, strict=True):
            if (fold, in_noise, inside) not in fitted:
                fitted[fold, in_noise, inside] = trained(model, part, in_noise, inside, seed)
            for condition in conditions:
                heard = [np.float32(reduced(each, before)) for each in sounds[condition]]
                answers = fitted[fold, in_noise, inside].predict_waveforms(heard).argmax(1)
                right[condition] += (answers == part.test.targets).tolist()
        print(f"{row:<40}" + "".join(f"{np.mean(right[each]):>9.3f}" for each in conditions), flush=True)
        means[row] = float(np.mean([right[snr] for snr in SNRS_DB]))
    return means


def trained(model: str, part: AudioData, in_noise: bool, inside: str, seed: int) -> AudioClassifier:
    snr_db = FIELD_SNR_DB if in_noise else None
    epochs = {} if model.startswith(("probe", "forest")) else {"num_epochs": EPOCHS}
    config = prepared(TrainConfig(model=model, seed=seed, denoise=inside, noise_snr_db=snr_db, **epochs))
    fit = fit_kind(config, part, Run(Accelerator()))
    return AudioClassifier.of(fit.model, fit.extractor)


def reduced(sound: np.ndarray, before: str) -> np.ndarray:
    if before == "noisereduce":
        return package(sound, "stationary")
    return denoise(sound, RATE, before) if before else sound


def heard_clip(audio: AudioData, row: int, condition: Any, sources: list[Noise]) -> np.ndarray:
    """A clip of the test part, by itself or within noise; its number decides which."""
    clip = np.array(audio.test.waveform(row))
    if condition == "clean":
        return clip
    return mixture(clip, sources[row % len(sources)], condition, np.random.default_rng([row, condition]))[1]


def measure_speed(folder: Path) -> dict[str, float]:
    """Prints the table; how many times as fast as the package, by method."""
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((16, LENGTH)).astype(np.float32)
    minute = rng.standard_normal(60 * RATE).astype(np.float32)
    print(f"\n{'times real time':<24}{'windows':>10}{'stream':>10}{'package':>10}{'ratio':>8}")
    ratios = {}
    for method in METHODS:
        gate = SpectralGate(denoise_settings(method, RATE), RATE)

        def whole(gate: SpectralGate = gate) -> None:
            with torch.inference_mode():
                gate(torch.from_numpy(windows))

        whole()
        rounds = []
        for _ in range(5):
            ours = processor_seconds(whole) / (windows.size / RATE)
            theirs = processor_seconds(lambda m=method: [package(each, m) for each in windows]) / (windows.size / RATE)
            stream = processor_seconds(lambda m=method: denoise(minute, RATE, m)) / 60
            rounds.append((1 / ours, 1 / stream, 1 / theirs, theirs / ours))
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        print(f"{method:<24}" + "".join(f"{value:>10.0f}" for value in medians[:3]) + f"{medians[3]:>8.1f}")
        ratios[method] = medians[3]
    return ratios


def processor_seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=("gain", "accuracy", "speed"))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="of the tables of accuracy")
    parser.add_argument("--folds", nargs="+", type=int, choices=range(FOLDS), default=list(range(FOLDS)))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "audiocls-benchmarks")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    arguments = parser.parse_args()
    parts = arguments.parts or ["gain", "accuracy", "speed"]
    disable_progress_bars()
    torch.set_num_threads(1)
    os.environ.setdefault("AUDIOCLS_CACHE", str(arguments.folder / "cache"))
    audio = load_audio_data(str(EVERYDAY), TrainConfig(validation_size=0.0, num_workers=1))
    missed = []
    if "gain" in parts:
        gains = measure_gain(audio, arguments.folder)
        for method in METHODS:
            ours, theirs = (gains[f"{name} {method}"] for name in ("audiocls", "noisereduce"))
            missed += [f"{method}: no gain at {snr} dB" for snr in (0, 5, 10) if ours[snr] <= 0]
            if statistics.fmean(ours.values()) < statistics.fmean(theirs.values()):
                missed.append(f"{method}: less gain than noisereduce in the mean of all ratios")
    if "accuracy" in parts:
        for model in arguments.models:
            means = measure_accuracy(audio, arguments.folder, model, arguments.rows, arguments.folds)
            rows = [
                row for row in ("before: stationary", "before: nonstationary") if row in means and "nothing" in means
            ]
            missed += [f"{model}, {row}: no better in noise" for row in rows if means[row] <= means["nothing"]]
    if "speed" in parts:
        missed += [f"{method}: {r:.1f} times as fast" for method, r in measure_speed(arguments.folder).items() if r < 2]
    print("\n" + ("missed: " + "; ".join(missed) if missed else "every target reached"))
    return int(bool(missed) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
