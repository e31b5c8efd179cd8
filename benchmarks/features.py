"""Speed and agreement of the feature layer against librosa and transformers' AST extractor, in one run.

    python benchmarks/features.py            prints the tables
    python benchmarks/features.py --check    also exits with 1 when a target is missed

One thread, 64 one-second clips at 16 kHz, 64 mel bands: librosa clip by clip, as it is used; the AST extractor and
the layer on the batch. Then a ten-minute signal. A ratio is the median over repetitions of peer's time / our time,
each pair measured back to back in processor time, so that other work on the machine disturbs little. The targets
hold for the default frames. Log-mel of librosa is power_to_db(melspectrogram(...), top_db=None). A difference is the
largest one over eight clips, relative to the largest value of its clip.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from transformers import ASTFeatureExtractor

from audiocls.models.acoustic_features import AcousticFeatures

SAMPLING_RATE = 16000
NUM_CLIPS = 64
N_MELS = 64
DEFAULT_FRAMES = (512, 256)
AST_FRAMES = (512, 160)  # the hop of the AST extractor, whose windows are 400 samples in a transform of 512
OTHER_FRAMES = ((1024, 256), (2048, 512))
MIN_RATIO = {"log_mel": 9.0, "mfcc": 5.0, "chroma": 5.0, "spectral_contrast": 5.0}
MIN_RATIO_AST = 2.5
MAX_DIFFERENCE = {"log_mel": 1e-4, "mfcc": 1e-3, "chroma": 1e-3, "spectral_contrast": 1e-3}
ROW = "{:<18} {:>10} {:<22} {:>9} {:>9} {:>7} {:>8} {:>10}"


def layer(name: str, n_fft: int, hop_length: int) -> AcousticFeatures:
    return AcousticFeatures(
        SimpleNamespace(
            features=name,
            sampling_rate=SAMPLING_RATE,
            n_fft=n_fft,
            hop_length=hop_length,
            n_mels=N_MELS,
            n_mfcc=20,
            fmin_hz=0.0,
            fmax_hz=None,
            mel_scale="slaney",
            image_size=None,
            window_seconds=1.0,
            feature_mean=None,
            feature_std=None,
        )
    )


def librosa_feature(name: str, clip: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """(bands, frames) of one clip, by the calls of librosa's documentation."""
    frames: dict[str, Any] = {"sr": SAMPLING_RATE, "n_fft": n_fft, "hop_length": hop_length}
    if name == "chroma":
        return librosa.feature.chroma_stft(y=clip, tuning=0.0, **frames)
    if name == "spectral_contrast":
        return librosa.feature.spectral_contrast(y=clip, **frames)
    log_mel = librosa.power_to_db(librosa.feature.melspectrogram(y=clip, n_mels=N_MELS, **frames), top_db=None)
    return log_mel if name == "log_mel" else librosa.feature.mfcc(S=log_mel, n_mfcc=20)


def librosa_clips(name: str, clips: np.ndarray, n_fft: int, hop_length: int) -> list[np.ndarray]:
    return [librosa_feature(name, clip, n_fft, hop_length) for clip in clips]


def synthetic_clips(generator: np.random.Generator, count: int, seconds: float) -> np.ndarray:
    """Decaying chords in noise with a silent start, (count, time) float32."""
    at = np.arange(round(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    clips = generator.standard_normal((count, len(at))) * 0.02
    for clip in clips:
        for frequency_hz in generator.uniform(80, 4000, 5):
            clip += 0.15 * np.exp(-2 * (at % 1.0)) * np.sin(2 * np.pi * frequency_hz * at)
        clip[: len(at) // 10] = 0
    return clips.astype(np.float32)


def paired_times(
    ours: Callable[[], object], peer: Callable[[], object], repetitions: int
) -> tuple[float, float, float]:
    """Median seconds of both and the median of their ratios, each pair run back to back after a warm-up."""
    ours(), peer()
    pairs = []
    for _ in range(repetitions):
        start = time.process_time()
        peer()
        middle = time.process_time()
        ours()
        pairs.append((middle - start, time.process_time() - middle))
    return (
        statistics.median(mine for _, mine in pairs),
        statistics.median(theirs for theirs, _ in pairs),
        statistics.median(theirs / mine for theirs, mine in pairs),
    )


def difference(name: str, features: torch.Tensor, clips: np.ndarray, n_fft: int, hop_length: int) -> float:
    """Largest difference from librosa over a few clips."""
    worst = 0.0
    for clip, found in zip(clips[:8], features[:8, 0].numpy(), strict=True):
        wanted = librosa_feature(name, clip, n_fft, hop_length)
        worst = max(worst, float(np.abs(found - wanted).max() / np.abs(wanted).max()))
    return worst


def compare_with_librosa(clips: np.ndarray, repetitions: int) -> list[str]:
    """Print a row per feature and frame setting; return the targets missed at the default frames."""
    missed = []
    batch = torch.from_numpy(clips)
    lengths = torch.full((len(clips),), clips.shape[1])
    for n_fft, hop_length in (DEFAULT_FRAMES, AST_FRAMES, *OTHER_FRAMES):
        for name, target in MIN_RATIO.items():
            ours = layer(name, n_fft, hop_length)
            gap = difference(name, ours(batch, lengths)[0], clips, n_fft, hop_length)
            seconds, peer_seconds, ratio = paired_times(
                partial(ours, batch, lengths),
                partial(librosa_clips, name, clips, n_fft, hop_length),
                repetitions,
            )
            default = (n_fft, hop_length) == DEFAULT_FRAMES
            print_row(
                name, n_fft, hop_length, "librosa", seconds, peer_seconds, ratio, target if default else None, gap
            )
            if default and ratio < target:
                missed.append(f"{name}: {ratio:.1f} times librosa's speed, target {target:g}")
            if gap > MAX_DIFFERENCE[name]:
                missed.append(f"{name} ({n_fft}/{hop_length}): differs by {gap:.1e}, limit {MAX_DIFFERENCE[name]:g}")
    return missed


def compare_with_ast(clips: np.ndarray, repetitions: int) -> list[str]:
    """The AST extractor at its own frames; its values follow Kaldi's convention, so only speed is compared."""
    extractor = ASTFeatureExtractor(num_mel_bins=N_MELS, max_length=98)
    as_list = list(clips)
    batch = torch.from_numpy(clips)
    lengths = torch.full((len(clips),), clips.shape[1])
    ours = layer("log_mel", *AST_FRAMES)
    seconds, peer_seconds, ratio = paired_times(
        lambda: ours(batch, lengths),
        lambda: extractor(as_list, sampling_rate=SAMPLING_RATE, return_tensors="pt"),
        repetitions,
    )
    print_row("log_mel", *AST_FRAMES, "AST extractor", seconds, peer_seconds, ratio, MIN_RATIO_AST)
    return [] if ratio >= MIN_RATIO_AST else [f"log_mel: {ratio:.1f} times the AST extractor, target {MIN_RATIO_AST:g}"]


def one_big_transform(signal: torch.Tensor) -> torch.Tensor:
    """Log-mel of a long signal in one piece, what the layer would do without its tiles."""
    n_fft, hop_length = DEFAULT_FRAMES
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(signal, n_fft, hop_length, window=window, pad_mode="constant", return_complex=True)
    mel = torch.from_numpy(librosa.filters.mel(sr=SAMPLING_RATE, n_fft=n_fft, n_mels=N_MELS))
    return (mel @ spectrum.abs().square()).clamp_min(1e-10).log10() * 10


def ten_minutes(generator: np.random.Generator, repetitions: int) -> None:
    """A long recording against librosa and against one transform of the whole signal; for information."""
    signal = synthetic_clips(generator, 1, 600.0)
    batch, lengths = torch.from_numpy(signal), torch.tensor([signal.shape[1]])
    ours = layer("log_mel", *DEFAULT_FRAMES)
    peers: dict[str, Callable[[], object]] = {
        "librosa": lambda: librosa_feature("log_mel", signal[0], *DEFAULT_FRAMES),
        "one torch.stft": lambda: one_big_transform(batch),
    }
    for peer, run in peers.items():
        seconds, peer_seconds, ratio = paired_times(lambda: ours(batch, lengths), run, repetitions)
        print_row("log_mel", *DEFAULT_FRAMES, f"{peer}, 10 min", seconds, peer_seconds, ratio)


def print_row(
    name: str,
    n_fft: int,
    hop_length: int,
    peer: str,
    seconds: float,
    peer_seconds: float,
    ratio: float,
    target: float | None = None,
    gap: float | None = None,
) -> None:
    frames, wanted, agreement = f"{n_fft}/{hop_length}", f"{target:g}" if target else "", f"{gap:.1e}" if gap else ""
    milliseconds = (f"{1e3 * peer_seconds:.2f}", f"{1e3 * seconds:.2f}")
    print(ROW.format(name, frames, peer, *milliseconds, f"{ratio:.1f}x", wanted, agreement), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--repetitions", type=int, default=9, metavar="N", help="paired measurements a row")
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic clips")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = np.random.default_rng(arguments.seed)
    clips = synthetic_clips(generator, NUM_CLIPS, 1.0)
    print(f"{NUM_CLIPS} clips of 1 s at {SAMPLING_RATE} Hz, one thread; times in ms, a target where there is one")
    print(ROW.format("feature", "fft/hop", "peer", "peer", "ours", "ratio", "target", "difference"))
    with torch.inference_mode(), threadpool_limits(1):
        missed = compare_with_librosa(clips, arguments.repetitions)
        missed += compare_with_ast(clips, arguments.repetitions)
        ten_minutes(generator, 3)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
