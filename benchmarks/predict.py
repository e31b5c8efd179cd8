"""How fast a warm AudioClassifier labels a 5 s MP3 file, against transformers' pipeline on the same model and file.

    python benchmarks/predict.py [--model RUN] [--repetitions N] [--check]

Both are loaded, warmed up and then timed in turn, so that whatever else the machine does meets both. The pipeline
decodes through the ffmpeg program. Without --model an untrained model of the default size serves: its weights do not
matter here.
"""

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

TARGET_MS = 10.0
TARGET_RATIO = 6.0
SECONDS = 5.0
SOUNDS = Path(__file__).parent.parent / "data" / "everyday_sounds" / "test"


def write_mp3(path: Path) -> None:
    """Five seconds of bundled sounds, one after the other."""
    import numpy as np
    import soundfile

    pieces, length, rate = [], 0, 16000
    for file in sorted(SOUNDS.glob("*/*.ogg")):
        waveform, rate = soundfile.read(file, dtype="float32")
        pieces.append(waveform)
        length += len(waveform)
        if length >= SECONDS * rate:
            break
    soundfile.write(path, np.concatenate(pieces)[: int(SECONDS * rate)], rate)


def write_model(folder: Path) -> None:
    """A model of the default size with random weights."""
    from transformers import Wav2Vec2FeatureExtractor

    from audiocls.models.configuration_audiocls import AudioClsConfig
    from audiocls.models.modeling_audiocls import AudioClsForAudioClassification

    AudioClsForAudioClassification(AudioClsConfig(id2label={i: f"class {i}" for i in range(7)})).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)


def paired_times_ms(calls: list[Callable[[], object]], repetitions: int) -> list[list[float]]:
    """Milliseconds of each call, measured in turn."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls * 3:
        call()  # warm up
    for _ in range(repetitions):
        for call, taken in zip(calls, times, strict=True):
            started = time.perf_counter()
            call()
            taken.append(1000 * (time.perf_counter() - started))
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description="Time one prediction against transformers' pipeline.")
    parser.add_argument("--model", type=Path, help="model folder [an untrained one]")
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--check", action="store_true", help=f"fail over {TARGET_MS} ms or under {TARGET_RATIO} x")
    arguments = parser.parse_args()

    import torch
    from transformers import pipeline
    from transformers.utils import logging

    from audiocls import AudioClassifier

    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "five_seconds.mp3"
        write_mp3(file)
        model = arguments.model or Path(temporary) / "model"
        if arguments.model is None:
            write_model(model)
        classifier = AudioClassifier.from_pretrained(model, device="cpu")
        pipe = pipeline("audio-classification", model=str(model), device="cpu")
        path = str(file)
        ours, theirs = paired_times_ms([lambda: classifier(path), lambda: pipe(path)], arguments.repetitions)

    ms, pipeline_ms = statistics.median(ours), statistics.median(theirs)
    ratio = statistics.median(theirs[i] / ours[i] for i in range(len(ours)))
    print(
        f"one {SECONDS:g} s MP3 file, {torch.get_num_threads()} threads, median of {arguments.repetitions} paired runs"
    )
    print("| | ms | |\n|---|---|---|")
    print(f"| AudioClassifier | {ms:.1f} | {ratio:.1f} x faster |\n| transformers pipeline | {pipeline_ms:.1f} | |")
    if arguments.check and (ms > TARGET_MS or ratio < TARGET_RATIO):
        print(f"target missed: at most {TARGET_MS:g} ms and at least {TARGET_RATIO:g} x", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
