"""How fast long recordings become tables of events, against the decoder alone and transformers' pipeline; and memory.

    python benchmarks/detect.py [--model RUN] [--minutes M] [--peer RUN] [--hours 1 10] [--check]

Recordings are the bundled training clips in a loop with noise between them, two of each format so that all cores have
work; the model is loaded before the clock starts. The limit is what decoding and resampling alone take in the same run,
on as many cores. The peer is pipeline called window by window, on a Whisper model (--peer, such as a run of
probe:whisper-tiny.en) or, without one, an audio spectrogram transformer of 12 layers, 192 wide, with random weights.
Memory is the peak of a process of its own beyond what it needs for the first minute.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TARGETS = {"WAV 16 kHz": 2000.0, "MP3 16 kHz": 400.0}
TARGET_RATIO = 100.0
TARGET_MB = 600.0
FORMATS = {
    "WAV 16 kHz": ("wav", "PCM_16", 16000, 1),
    "MP3 16 kHz": ("mp3", "MPEG_LAYER_III", 16000, 1),
    "FLAC 48 kHz stereo": ("flac", "PCM_16", 48000, 2),
}
SOUNDS = Path(__file__).parent.parent / "data" / "everyday_sounds" / "train"
MEMORY = """
import resource, sys
from audiocls import AudioClassifier
from audiocls.audio.streaming import AudioStream
from audiocls.detection.detector import Detector
classifier = AudioClassifier.from_pretrained(sys.argv[1], device="cpu")
stream, detector, first = AudioStream(sys.argv[2], classifier.sampling_rate), Detector(classifier), None
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
for block in stream:
    detector.push(block)
detector.finish()
print(peak() - before, peak(), stream.seconds)
"""


def write_recording(path: Path, subtype: str, rate: int, channels: int, seconds: float) -> None:
    """Clips and noise between them, ten minutes of it over and over."""
    import numpy as np
    import soundfile

    from audiocls.audio.decoding import decode

    rng, pieces, length = np.random.default_rng(0), [], 0
    files = sorted(SOUNDS.glob("*/*.ogg"))
    while length < min(seconds, 600) * rate:
        clip = decode(files[rng.integers(len(files))], rate)
        pieces += [clip, rng.normal(0, 0.003, int(rng.uniform(1, 6) * rate)).astype(np.float32)]
        length += len(pieces[-1]) + len(clip)
    loop = np.concatenate(pieces)[: int(min(seconds, 600) * rate)]
    loop = np.repeat((loop / np.abs(loop).max())[:, None], channels, axis=1)
    with soundfile.SoundFile(path, "w", rate, channels, subtype) as file:
        for _ in range(round(seconds / (len(loop) / rate))):
            file.write(loop)


def write_ast(folder: Path) -> Path:
    """A small audio spectrogram transformer with random weights, for windows of two seconds."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    config = ASTConfig(
        hidden_size=192, num_attention_heads=3, intermediate_size=768, max_length=198, num_labels=7
    )  # 12 layers
    ASTForAudioClassification(config).save_pretrained(folder)
    ASTFeatureExtractor(max_length=198).save_pretrained(folder)
    return folder


def decoding_speed(files: list[Path], seconds: float, rate: int) -> float:
    """Times real time of decoding and resampling alone, all cores at work."""
    from audiocls.audio.streaming import AudioStream

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda file: sum(len(block) for block in AudioStream(file, rate)), files))
    return seconds / (time.perf_counter() - started)


def pipeline_speed(model: Path, file: Path, window_seconds: float, seconds: float = 20.0) -> float:
    """Times real time of pipeline, called for each window, hop half of it."""
    import soundfile
    from transformers import pipeline

    samples, rate = soundfile.read(file, int(seconds * 16000), dtype="float32")
    window = int(window_seconds * rate)
    pipe = pipeline("audio-classification", model=str(model), device="cpu")
    pipe(samples[:window].copy())
    starts = range(0, len(samples) - window + 1, window // 2)
    started = time.perf_counter()
    for start in starts:
        pipe(samples[start : start + window].copy())
    return len(starts) * window / 2 / rate / (time.perf_counter() - started)


def memory_mb(model: Path, file: Path) -> tuple[float, float]:
    """Peak memory of finding events in a file: beyond the loaded model, and in all, in MB."""
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, str(model), str(file)]
    above, total, _ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(above), float(total)


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the way from long recordings to tables of events.")
    parser.add_argument("--model", type=Path, help="model folder [an untrained cnn]")
    parser.add_argument("--peer", type=Path, help="model folder for pipeline [a small AST with random weights]")
    parser.add_argument("--minutes", type=float, default=30.0, help="length of each recording")
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
        plan = Detector(classifier).plan
        seconds = arguments.minutes * 60
        print(
            f"2 recordings of {arguments.minutes:g} min each, windows of {plan.window_seconds:g} s every "
            f"{plan.hop_seconds:g} s, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
        )
        print("| | x real time | decoding alone |\n|---|---|---|")
        speeds = {}
        for name, (suffix, subtype, rate, channels) in FORMATS.items():
            files = [root / f"{number}.{suffix}" for number in range(2)]
            write_recording(files[0], subtype, rate, channels, seconds)
            files[1].write_bytes(files[0].read_bytes())
            limit = decoding_speed(files, 2 * seconds, classifier.sampling_rate)
            started = time.perf_counter()
            detect_recordings(classifier, files, root / f"out_{suffix}", pictures=False)
            speeds[name] = 2 * seconds / (time.perf_counter() - started)
            print(f"| {name} | {speeds[name]:.0f} | {limit:.0f} |", flush=True)
            if speeds[name] < TARGETS.get(name, 0):
                missed.append(f"{name}: {speeds[name]:.0f}, at least {TARGETS[name]:g} x")
        peer = arguments.peer or write_ast(root / "ast")
        theirs = pipeline_speed(peer, root / "0.wav", plan.window_seconds)
        ratio = speeds["WAV 16 kHz"] / theirs
        print(f"| pipeline, window by window, WAV 16 kHz | {theirs:.1f} | ours is {ratio:.0f} x as fast |", flush=True)
        if ratio < TARGET_RATIO:
            missed.append(f"pipeline: {ratio:.0f}, at least {TARGET_RATIO:g} x")
        for file in root.glob("[01].*"):
            file.unlink()
        for hours in arguments.hours:
            write_recording(root / "long.flac", "PCM_16", 48000, 2, hours * 3600)
            above, total = memory_mb(model, root / "long.flac")
            print(f"memory for {hours:g} h of 48 kHz stereo: {above:.0f} MB above the model, {total:.0f} MB in all")
            if above > TARGET_MB:
                missed.append(f"memory: {above:.0f} MB, at most {TARGET_MB:g}")
    for miss in missed:
        print(f"target missed: {miss}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    raise SystemExit(main())
