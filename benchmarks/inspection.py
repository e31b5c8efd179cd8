"""How fast `audiocls inspect` is, in multiples of real time, beside peers in the same run; and its memory.

    python benchmarks/inspection.py                  prints the table
    python benchmarks/inspection.py --check          also exits with 1 when a target is missed
    python benchmarks/inspection.py --many 20000     also inspects so many short clips, kills it half-way and goes on

Clips of four seconds at 44.1 kHz, cut together at random from the bundled sounds, as WAV, OGG and MP3. Each time is
that of a whole call in a process of its own with an empty cache, starting Python left out. Peers: soundfile alone,
which bounds what any inspection can reach, in as many threads; and librosa.load, as most scripts read such files.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import soxr

SOUNDS = Path(__file__).parents[1] / "data" / "everyday_sounds" / "train"
RATE = 44_100
SECONDS = 4
FORMATS = (("wav", 1), ("ogg", 1), ("mp3", 1), ("mp3", 2))
MIN_SPEED = 300  # times real time
MOST_MEGABYTES = 1500  # for --many
ROW = "{:<12} {:>7} {:>14} {:>14} {:>16} {:>14}"


def make_clips(
    folder: Path, count: int, extension: str, channels: int, seconds: float = SECONDS, rate: int = RATE
) -> None:
    """Clips that all differ, in four classes, cut together from the bundled sounds."""
    rng = np.random.default_rng([count, channels, *extension.encode()])
    paths = sorted(SOUNDS.glob("*/*.ogg"))
    sounds = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in paths])
    material = soxr.resample(sounds, 16_000, rate) + 1e-3 * rng.standard_normal(len(sounds) * rate // 16_000 + 1)[
        : round(len(sounds) * rate / 16_000)
    ].astype(np.float32)
    piece = int(0.4 * rate)
    for clip in range(count):
        length = int(seconds * rate)
        starts = rng.integers(0, len(material) - piece, (channels, -(-length // piece)))
        samples = np.stack([np.concatenate([material[s : s + piece] for s in row])[:length] for row in starts], axis=1)
        path = folder / f"class{clip % 4}" / f"{clip:06}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(samples * rng.uniform(0.2, 0.9), -1, 1), rate)


def inspect_in_a_process(folder: Path, cache: Path) -> dict[str, float]:
    """Seconds, megabytes and unusable clips of one call, told by a process of its own."""
    command = [sys.executable, __file__, "--one", str(folder)]
    environment = {**os.environ, "AUDIOCLS_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(folder: str) -> None:
    from audiocls.inspection.inspect import inspect

    started = time.monotonic()
    report = inspect(folder, Path(folder).with_name("report"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.monotonic() - started, "megabytes": peak, "clips": report["usable"]}))


def timed(function: Callable[[str], object], paths: list[str], threads: int) -> float:
    function(paths[0])  # imports and first calls
    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(function, paths))
    return time.monotonic() - started


def speeds(count: int) -> list[float]:
    import librosa

    print(ROW.format("files", "clips", "inspect", "again", "soundfile alone", "librosa.load"))
    found = []
    for extension, channels in FORMATS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "clips")
            make_clips(folder, count, extension, channels)
            paths = [str(path) for path in sorted(folder.glob("*/*"))]
            threads = os.cpu_count() or 1
            seconds = [
                inspect_in_a_process(folder, Path(place, "cache"))["seconds"],
                inspect_in_a_process(folder, Path(place, "cache"))["seconds"],
                timed(lambda path: soundfile.read(path, dtype="float32"), paths, threads),
                timed(lambda path: librosa.load(path, sr=None, mono=False), paths, threads),
            ]
        times = [count * SECONDS / each for each in seconds]
        found.append(times[0])
        name = f"{extension} {'stereo' if channels == 2 else 'mono'}"
        print(ROW.format(name, count, *(f"{each:,.0f}x" for each in times)), flush=True)
    return found


def many(count: int) -> float:
    """Inspect many one-second clips, killed half-way once; the memory in megabytes."""
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place, "clips"), Path(place, "cache")
        make_clips(folder, count, "wav", 1, seconds=1.0, rate=16_000)
        environment = {**os.environ, "AUDIOCLS_CACHE": str(cache)}
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, __file__, "--one", str(folder)], env=environment, stderr=subprocess.DEVNULL
        )
        while len(list(cache.rglob("*.arrow"))) * 256 < count / 2 and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept, killed = 256 * len(list(cache.rglob("*.arrow"))), time.monotonic() - started
        rest = inspect_in_a_process(folder, cache)
        again = inspect_in_a_process(folder, cache)
    print(
        f"{count:,} clips of 1 s: killed after {killed:.0f} s with {kept:,} kept, the rest took "
        f"{rest['seconds']:.0f} s and {rest['megabytes']:.0f} MB, a third call {again['seconds']:.0f} s"
    )
    return rest["megabytes"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=400, help="clips of each format")
    parser.add_argument("--many", type=int, default=0, help="also inspect so many short clips")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one)
        return 0
    slowest = min(speeds(arguments.clips))
    megabytes = many(arguments.many) if arguments.many else 0.0
    missed = slowest < MIN_SPEED or megabytes > MOST_MEGABYTES
    if missed:
        print(f"target missed: at least {MIN_SPEED}x real time, at most {MOST_MEGABYTES} MB")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
