"""How fast `audiocls inspect` is, in multiples of real time, beside peers in the same run; and its memory.

    python benchmarks/inspection.py                  prints the table
    python benchmarks/inspection.py --check          also exits with 1 when a target is missed
    python benchmarks/inspection.py --many 20000     also inspects so many short clips, kills it half-way and goes on

Clips of ten seconds at 44.1 kHz, cut together at random from the bundled sounds, as WAV, OGG and MP3. Each time is
that of a whole call, with copies, shortcuts and the page, in a process of its own with an empty cache; starting Python
is left out. Beside the time by the clock stands that of one processor core, on which other work on the machine tells
less: so many cores, so many times as fast. Peers: soundfile alone, which bounds what any inspection can reach; and
librosa.load, as most scripts read such files; both in as many threads as there are cores.
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
SECONDS = 10
CORES = 2  # of the machine that the target is for
FORMATS = (("wav", 1), ("ogg", 1), ("mp3", 1), ("mp3", 2))
MIN_SPEED = 300  # times real time
MOST_MEGABYTES = 1500  # for --many
ROW = "{:<12} {:>7} {:>20} {:>20} {:>20} {:>20}"


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
        samples = np.stack([cut_together(material, length, piece, rng) for _ in range(channels)], axis=1)
        path = folder / f"class{clip % 4}" / f"{clip:06}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(samples * rng.uniform(0.2, 0.9), -1, 1), rate)


def cut_together(material: np.ndarray, length: int, piece: int, rng: np.random.Generator) -> np.ndarray:
    """Pieces at random speeds, one after another: no two of them are one recording."""
    pieces = []
    for _ in range(-(-length // piece)):
        speed = rng.uniform(0.6, 1.6)
        start = rng.integers(0, len(material) - 2 * piece)
        pieces.append(
            np.interp(
                start + speed * np.arange(piece),
                np.arange(start, start + 2 * piece),
                material[start : start + 2 * piece],
            )
        )
    return np.concatenate(pieces)[:length]


def inspect_in_a_process(folder: Path, cache: Path) -> dict[str, float]:
    """Seconds, megabytes and unusable clips of one call, told by a process of its own."""
    command = [sys.executable, __file__, "--one", str(folder)]
    environment = {**os.environ, "AUDIOCLS_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(folder: str) -> None:
    from audiocls.inspection.inspect import inspect

    started, processor = time.monotonic(), time.process_time()
    report = inspect(folder, Path(folder).with_name("report"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = {"seconds": time.monotonic() - started, "processor": time.process_time() - processor}
    print(json.dumps({**times, "megabytes": peak, "clips": report["usable"]}))


def timed(function: Callable[[str], object], paths: list[str]) -> dict[str, float]:
    function(paths[0])  # imports and first calls
    started, processor = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(function, paths):
            pass
    return {"seconds": time.monotonic() - started, "processor": time.process_time() - processor}


def speeds(count: int) -> list[float]:
    import librosa

    print(ROW.format("files", "clips", "inspect", "again", "soundfile alone", "librosa.load"))
    found = []
    for extension, channels in FORMATS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "clips")
            make_clips(folder, count, extension, channels)
            paths = [str(path) for path in sorted(folder.glob("*/*"))]
            runs = [
                inspect_in_a_process(folder, Path(place, "cache")),
                inspect_in_a_process(folder, Path(place, "cache")),
                timed(lambda path: len(soundfile.read(path, dtype="float32")[0]), paths),
                timed(lambda path: librosa.load(path, sr=None, mono=False)[1], paths),
            ]
        audio = count * SECONDS
        found.append(CORES * audio / runs[0]["processor"])
        cells = [f"{audio / run['seconds']:,.0f}x, {audio / run['processor']:,.0f}x a core" for run in runs]
        print(ROW.format(f"{extension} {'stereo' if channels == 2 else 'mono'}", count, *cells), flush=True)
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
    parser.add_argument("--clips", type=int, default=300, help="clips of each format")
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
        print(f"target missed: at least {MIN_SPEED}x real time on {CORES} cores, at most {MOST_MEGABYTES} MB")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
