"""How fast long recordings become tables of events, against the decoder alone and transformers' pipeline; and memory.

    python benchmarks/detect.py [--model RUN] [--minutes M] [--recordings N] [--peer RUN] [--hours 1 10] [--check]

Recordings are noise with a bundled training clip every 5 to 10 s, 5 to 20 dB over it: sounds take about a quarter of
the time. Many short files and one long one; the model is loaded and has heard one file before the clock starts. Times
real time is given by the clock and by the seconds that all cores together worked, which other programs disturb less.
The limit is what decoding and resampling alone take in the same run, on as many cores. The peers are pipeline called
window by window on Whisper tiny.en and on an audio spectrogram transformer (12 layers, 192 wide), as transformers makes
them; and on another model (--peer). Memory is the peak of a process of its own beyond the model, on Linux.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

TARGETS = {"WAV 16 kHz": 2000.0, "MP3 16 kHz": 400.0}
TARGET_RATIO = 100.0
TARGET_MB = 600.0
# suffix, subtype, sampling rate, channels, share of the recordings
FORMATS = {
    "WAV 16 kHz": ("wav", "PCM_16", 16000, 1, 1.0),
    "MP3 16 kHz": ("mp3", "MPEG_LAYER_III", 16000, 1, 0.2),
    "FLAC 48 kHz stereo": ("flac", "PCM_16", 48000, 2, 0.2),
}
SPACING_SECONDS, SNR_DB, NOISE_DB = (5.0, 10.0), (5.0, 20.0), -45.0
SOUNDS = Path(__file__).parent.parent / "data" / "everyday_sounds" / "train"
MEMORY = """
import sys
from audiocls import AudioClassifier
from audiocls.audio.streaming import AudioStream
from audiocls.detection.detector import Detector
classifier = AudioClassifier.from_pretrained(sys.argv[1], device="cpu")
stream, detector = AudioStream(sys.argv[2], classifier.sampling_rate), Detector(classifier)
def peak():  # of this program alone; what getrusage tells begins with the process it was started from
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
before = peak()
for block in stream:
    detector.push(block)
detector.finish()
print(peak() - before, peak(), stream.seconds)
"""


def sounds(rate: int) -> list[np.ndarray]:
    """The training clips from their first to their last active sample, at a mean power of 1."""
    from audiocls.audio.decoding import decode
    from audiocls.data.mixtures import active_samples, active_span

    found = []
    for file in sorted(SOUNDS.glob("*/*.ogg")):
        clip = decode(file, rate)
        active = active_samples(clip, rate)
        start, stop = active_span(active)
        if stop > start:
            found.append(clip[start:stop] / np.float32(np.sqrt(np.mean(clip[active].astype(np.float64) ** 2))))
    return found


def write_recording(
    path: Path, clips: list[np.ndarray], subtype: str, rate: int, channels: int, seconds: float, seed: int
) -> float:
    """Clips in noise, ten minutes of it over and over; gives the share of the time that clips take."""
    rng, length = np.random.default_rng(seed), int(min(seconds, 600) * rate)
    level = 10 ** (NOISE_DB / 20)
    loop = rng.standard_normal(length, dtype=np.float32)
    loop[1:] += np.float32(0.7) * loop[:-1].copy()  # low frequencies are stronger
    loop *= np.float32(level / np.sqrt(1.49))
    at, sounding = rng.uniform(*SPACING_SECONDS), 0
    while at < length / rate:
        clip = clips[rng.integers(len(clips))][: length - int(at * rate)]
        loop[int(at * rate) : int(at * rate) + len(clip)] += clip * np.float32(
            level * 10 ** (rng.uniform(*SNR_DB) / 20)
        )
        sounding += len(clip)
        at += rng.uniform(*SPACING_SECONDS)
    loop = np.repeat(np.clip(loop, -1, 1)[:, None], channels, axis=1)
    with soundfile.SoundFile(path, "w", rate, channels, subtype) as file:
        for _ in range(round(seconds / (length / rate))):
            file.write(loop)
    return sounding / length


def write_peers(root: Path) -> list[Path]:
    """Model folders as transformers makes them, which hear 10 or 30 s whatever they are given: a small audio
    spectrogram transformer with random weights, and Whisper tiny.en where `audiocls weights` has fetched it."""
    from transformers import (
        ASTConfig,
        ASTFeatureExtractor,
        ASTForAudioClassification,
        WhisperFeatureExtractor,
        WhisperForAudioClassification,
    )

    from audiocls.pretrained.weights import default_folder

    config = ASTConfig(hidden_size=192, num_attention_heads=3, intermediate_size=768, num_labels=7)  # 12 layers
    ASTForAudioClassification(config).save_pretrained(root / "AST 192x12")
    ASTFeatureExtractor().save_pretrained(root / "AST 192x12")
    peers, weights = [root / "AST 192x12"], default_folder("whisper-tiny.en")
    if weights.is_dir():
        WhisperForAudioClassification.from_pretrained(weights, num_labels=7).save_pretrained(root / "Whisper tiny.en")
        WhisperFeatureExtractor.from_pretrained(weights).save_pretrained(root / "Whisper tiny.en")
        peers.append(root / "Whisper tiny.en")
    return peers


class Speed:
    """Times real time of what is done within, by the clock and by the seconds that the cores worked for it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> "Speed":
        self._began, self._worked = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.clock = self.seconds / (time.perf_counter() - self._began)
        self.core = self.seconds / (time.process_time() - self._worked)

    def __str__(self) -> str:
        return f"{self.clock:.0f} | {self.core:.0f}"


def decoding_speed(files: list[Path], seconds: float, rate: int) -> Speed:
    """Of decoding and resampling alone, all cores at work."""
    from audiocls.audio.streaming import AudioStream

    with Speed(seconds) as speed, ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda file: sum(len(block) for block in AudioStream(file, rate)), files))
    return speed


def pipeline_speed(model: Path, file: Path, window_seconds: float, hop_seconds: float, seconds: float = 20.0) -> float:
    """Times real time of pipeline, called for each window, one every `hop_seconds`."""
    from transformers import pipeline

    samples, rate = soundfile.read(file, int(seconds * 16000), dtype="float32")
    window, hop = int(window_seconds * rate), int(hop_seconds * rate)
    pipe = pipeline("audio-classification", model=str(model), device="cpu")
    pipe(samples[:window].copy())
    starts = range(0, len(samples) - window + 1, hop)
    started = time.perf_counter()
    for start in starts:
        pipe(samples[start : start + window].copy())
    return len(starts) * hop / rate / (time.perf_counter() - started)


def memory_mb(model: Path, file: Path) -> tuple[float, float]:
    """Peak memory of finding events in a file: beyond the loaded model, and in all, in MB."""
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, str(model), str(file)]
    above, total, _ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(above), float(total)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the way from long recordings to tables of events.")
    parser.add_argument("--model", type=Path, help="model folder [an untrained cnn]")
    parser.add_argument("--peer", type=Path, help="another model folder to try with pipeline")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of each recording")
    parser.add_argument("--recordings", type=int, default=30, help="how many; a fifth as many of MP3 and FLAC")
    parser.add_argument("--hours", type=float, nargs="*", default=[], help="lengths to measure memory at")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    arguments = parser.parse_args()

    import torch
    from transformers.utils import logging

    from audiocls import AudioClassifier
    from audiocls.corpus.corpus import detect_recordings
    from audiocls.detection.detector import Detector
    from benchmarks.predict import write_model

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    missed = []
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        model = arguments.model or root / "model"
        if arguments.model is None:
            write_model(model)
        classifier = AudioClassifier.from_pretrained(model, device="cpu")
        plan, rate = Detector(classifier).plan, classifier.sampling_rate
        seconds = arguments.minutes * 60
        clips = {rate: sounds(rate) for rate in (16000, 48000)}
        print(
            f"windows of {plan.window_seconds:g} s every {plan.hop_seconds:g} s; {os.cpu_count()} cores, "
            f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
        )
        print(
            "| recordings | pictures | x real time | x a core-second | decoding alone | a core-second |\n"
            "|---|---|---|---|---|---|"
        )
        speeds = {}
        for name, (suffix, subtype, native, channels, part) in FORMATS.items():
            count = max(2, round(part * arguments.recordings))
            files = [root / f"{number}.{suffix}" for number in range(count)]
            shares = [
                write_recording(file, clips[native], subtype, native, channels, seconds, seed)
                for seed, file in enumerate(files)
            ]
            sets = {f"{name}, {count} of {arguments.minutes:g} min": (files, count * seconds)}
            if not speeds:
                print(f"| (sounds take {np.mean(shares):.0%} of the time) | | | | | |")
                detect_recordings(classifier, files[:1], root / "warm", num_workers=1)
                long = root / "long.wav"
                write_recording(long, clips[native], subtype, native, channels, 3600, len(files))
                sets[f"{name}, one of 60 min"] = ([long], 3600)
            for told, (some, length) in sets.items():
                limit = decoding_speed(some, length, rate)
                for pictures in (False, True):
                    with Speed(length) as speed:
                        detect_recordings(classifier, some, root / f"out_{len(speeds)}", pictures=pictures)
                    speeds[(name, len(some) > 1, pictures)] = speed
                    print(f"| {told} | {'yes' if pictures else 'no'} | {speed} | {limit} |", flush=True)
            clock = speeds[(name, True, False)].clock
            if clock < TARGETS.get(name, 0):
                missed.append(f"{name}: {clock:.0f}, at least {TARGETS[name]:g} x")
        ours = speeds[("WAV 16 kHz", True, False)].clock
        for peer in write_peers(root):
            theirs = pipeline_speed(peer, root / "0.wav", plan.window_seconds, plan.hop_seconds)
            print(f"pipeline, {peer.name}: {theirs:.1f} x real time; ours is {ours / theirs:.0f} x as fast", flush=True)
            if ours / theirs < TARGET_RATIO:
                missed.append(f"pipeline, {peer.name}: {ours / theirs:.0f}, at least {TARGET_RATIO:g} x")
        if arguments.peer:
            theirs = pipeline_speed(arguments.peer, root / "0.wav", plan.window_seconds, plan.hop_seconds)
            print(f"pipeline, {arguments.peer.name}: {theirs:.1f} x real time; ours is {ours / theirs:.0f} x as fast")
        print(f"load at the end {os.getloadavg()[0]:.1f}", flush=True)
        for file in (*root.glob("[0-9]*.*"), root / "long.wav"):
            file.unlink()
        for hours in arguments.hours:
            write_recording(root / "long.w64", clips[48000], "PCM_16", 48000, 2, hours * 3600, 0)
            above, total = memory_mb(model, root / "long.w64")
            print(f"memory for {hours:g} h of 48 kHz stereo: {above:.0f} MB above the model, {total:.0f} MB in all")
            if above > TARGET_MB:
                missed.append(f"memory: {above:.0f} MB, at most {TARGET_MB:g}")
    for miss in missed:
        print(f"target missed: {miss}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    raise SystemExit(main())
