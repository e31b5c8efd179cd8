"""How the app holds up under load: 32 users at once, each of whom uploads a 5 s clip and reads the answer.

    python benchmarks/app.py [--model RUN] [--users N] [--seconds S] [--training] [--peer] [--check]

`python app.py` runs as a process; this one is the users, through the real HTTP API as gradio_client and curl use it:
POST gradio_api/upload, POST gradio_api/call/classify, and the answer as server-sent events. Users and app share the
machine. Three ways: people, who wait 1 to 3 s between calls; a closed loop, who never wait; and bursts, in which all
call at the same instant. `--training` has people call once more while a network trains as the page trains one.
`--peer` does the same with a plain `gradio.Interface` around transformers' pipeline, with
the same model. Without --model an untrained network of the default size serves: its weights do not matter here.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from predict import SOUNDS, write_model

ROOT = Path(__file__).parent.parent
SECONDS = 5.0
TARGET_P95 = 1.0
BURSTS = 4
# What people send; Opus is what browsers record.
FORMATS = [("wav", "WAV", "PCM_16"), ("flac", "FLAC", None), ("mp3", "MP3", None), ("ogg", "OGG", "VORBIS")]
FORMATS.append(("opus", "OGG", "OPUS"))

PEER = """
import sys, warnings
import gradio as gr
import audiocls.models  # the pipeline knows our models by their code
from audiocls.inference.model_config import OWN_TYPES
from transformers import pipeline
warnings.simplefilter("ignore")
pipe = pipeline("audio-classification", model=sys.argv[1], device="cpu", trust_remote_code=True)
page = gr.Interface(lambda path: {e["label"]: e["score"] for e in pipe(path)}, gr.Audio(type="filepath"), gr.Label(),
                    api_name="classify")
page.launch(server_port=int(sys.argv[2]), quiet=True, prevent_thread_lock=True)
print("Open", flush=True)
page.block_thread()
"""


@dataclass
class Load:
    """What came of a load: seconds of each call that was answered, what went wrong, how long it all took."""

    taken: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0  # of the program that was loaded

    def percentile(self, share: float) -> float:
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def row(self, name: str) -> str:
        figures = " | ".join(f"{self.percentile(share):.2f}" for share in (0.5, 0.95, 0.99))
        rate, cost = len(self.taken) / self.seconds, 1000 * self.processor_seconds / max(1, len(self.taken))
        return f"| {name} | {figures} | {len(self.errors)} | {rate:.1f} | {cost:.0f} |"


def write_clips(folder: Path) -> list[Path]:
    """5 s clips of bundled sounds, of every class and in several formats."""
    import numpy as np
    import soundfile

    clips = []
    for number, kind in enumerate(sorted(path for path in SOUNDS.iterdir() if path.is_dir())):
        pieces = [soundfile.read(file, dtype="float32") for file in sorted(kind.glob("*.ogg"))[:8]]
        rate = pieces[0][1]
        sound = np.resize(np.concatenate([waveform for waveform, _ in pieces]), int(SECONDS * rate))
        suffix, container, coding = FORMATS[number % len(FORMATS)]
        clips.append(folder / f"{kind.name}.{suffix}")
        soundfile.write(clips[-1], sound, rate, format=container, subtype=coding)
    return clips


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[psutil.Process]:
    """A program that says "Open" when it can be reached at a port; ended by `kill`."""
    environment = os.environ | {"TMPDIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
    environment.pop("GRADIO_TEMP_DIR", None)
    log = (folder / "log.txt").open("a")
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline().startswith("Open"):
            raise SystemExit(f"it did not start:\n{(folder / 'log.txt').read_text()}")
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def call(client: httpx.AsyncClient, clip: tuple[str, bytes]) -> None:
    """One clip up, one answer back.

    Raises:
        RuntimeError: it is none.
    """
    uploaded = await client.post("gradio_api/upload", files={"files": clip})
    uploaded.raise_for_status()
    data = [{"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}]
    begun = await client.post("gradio_api/call/classify", json={"data": data})
    begun.raise_for_status()
    answer = await client.get(f"gradio_api/call/classify/{begun.json()['event_id']}")
    if not re.search(r"^event: complete\ndata: .*\"label\"", answer.text, re.MULTILINE):
        raise RuntimeError(answer.text[:200])


async def load_of(url: str, users: int, clips: list[tuple[str, bytes]], plan: Callable[..., Awaitable[None]]) -> Load:
    """Users with a connection each, who do what `plan` says."""
    load = Load()
    # a client without certificates: making a context for each user would take longer than the calls
    options: dict[str, Any] = {"base_url": url, "timeout": 60.0, "verify": False, "trust_env": False}
    clients = [httpx.AsyncClient(**options) for _ in range(users)]

    async def timed(user: int, number: int) -> None:
        started = time.perf_counter()
        try:
            await call(clients[user], clips[(user + number) % len(clips)])
            load.taken.append(time.perf_counter() - started)
        except (httpx.HTTPError, RuntimeError, KeyError, ValueError) as error:
            load.errors.append(f"{type(error).__name__}: {error}")

    started = time.perf_counter()
    try:
        await plan(timed, users)
    finally:
        load.seconds = time.perf_counter() - started
        for client in clients:
            await client.aclose()
    return load


def people(seconds: float, seed: int = 0) -> Callable[..., Awaitable[None]]:
    """Each waits 1 to 3 s, calls, waits for the answer, and so on."""

    async def user(timed: Callable[..., Awaitable[None]], number: int, end: float, pauses: random.Random) -> None:
        await asyncio.sleep(pauses.uniform(0, 3))
        calls = 0
        while time.perf_counter() < end:
            await timed(number, calls)
            calls += 1
            await asyncio.sleep(pauses.uniform(1, 3))

    async def plan(timed: Callable[..., Awaitable[None]], users: int) -> None:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(user(timed, n, end, random.Random(seed + n)) for n in range(users)))

    return plan


def closed_loop(seconds: float) -> Callable[..., Awaitable[None]]:
    """Each calls again as soon as the answer is there."""

    async def user(timed: Callable[..., Awaitable[None]], number: int, end: float) -> None:
        calls = 0
        while time.perf_counter() < end:
            await timed(number, calls)
            calls += 1

    async def plan(timed: Callable[..., Awaitable[None]], users: int) -> None:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(user(timed, n, end) for n in range(users)))

    return plan


def bursts(number: int) -> Callable[..., Awaitable[None]]:
    """All at the same instant, again and again."""

    async def plan(timed: Callable[..., Awaitable[None]], users: int) -> None:
        for burst in range(number):
            await asyncio.gather(*(timed(user, burst) for user in range(users)))
            await asyncio.sleep(0.5)

    return plan


def measure(
    name: str, process: psutil.Process, url: str, users: int, seconds: float, clips: list[tuple[str, bytes]]
) -> dict[str, Load]:
    """Print a table for one program, and give its loads by name."""
    plans = {"people": people(seconds), "closed loop": closed_loop(seconds / 2), "bursts": bursts(BURSTS)}
    asyncio.run(load_of(url, 2, clips, bursts(3)))  # warm up
    loads = {}
    for kind, plan in plans.items():
        before = process_time(process)
        loads[kind] = asyncio.run(load_of(url, users, clips, plan))
        loads[kind].processor_seconds = process_time(process) - before
        print(loads[kind].row(f"{name}, {kind}"), flush=True)
        for error in sorted(set(loads[kind].errors))[:3]:
            print(f"{name}, {kind}: {error}", file=sys.stderr)
    return loads


def measure_training(url: str, users: int, seconds: float, clips: list[tuple[str, bytes]], folder: Path) -> None:
    """Print a row for people who call while a model is trained, which must take longer than they call."""
    from audiocls.evaluation.history import read_progress
    from audiocls.ui.train.errand import Errand

    arguments = ["train", str(SOUNDS.parent / "train"), "--model", "cnn", "--test_size", "0.2", "--num_epochs", "500"]
    training = Errand([*arguments, "--output_dir", str(folder / "trained")])
    try:
        while not training.ended and not read_progress(folder / "trained.partial"):
            time.sleep(0.1)
        load = asyncio.run(load_of(url, users, clips, people(seconds)))
        if training.ended:
            raise SystemExit(f"the training ended early: {training.problem}")
    finally:
        training.kill()
    print(load.row("app.py, people, during a training"), flush=True)


def process_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> int:
    parser = argparse.ArgumentParser(description="Load the app with many users at once.")
    parser.add_argument("--model", type=Path, help="model folder [an untrained network]")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the people; the closed loop takes half as long")
    parser.add_argument("--training", action="store_true", help="people also call while a network is trained")
    parser.add_argument("--peer", action="store_true", help="also a plain gradio.Interface around a pipeline")
    parser.add_argument("--check", action="store_true", help=f"fail on an error, or over {TARGET_P95:g} s at p95")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = (arguments.model and arguments.model.resolve()) or folder / "model"
        if arguments.model is None:
            write_model(model)
        clips = [(path.name, path.read_bytes()) for path in write_clips(folder)]
        print(f"{arguments.users} users, {SECONDS:g} s clips, {os.cpu_count()} cores for users and app together")
        print("| | p50, s | p95, s | p99, s | errors | calls/s | processor, ms a call |")
        print("|---|---|---|---|---|---|---|")
        port = free_port()
        with running([sys.executable, "app.py", "--model", str(model), "--port", str(port)], port, folder) as process:
            before = process.memory_info().rss
            loads = measure("app.py", process, f"http://127.0.0.1:{port}/", arguments.users, arguments.seconds, clips)
            grown = process.memory_info().rss - before
            if arguments.training:
                measure_training(f"http://127.0.0.1:{port}/", arguments.users, arguments.seconds, clips, folder)
        if arguments.peer:
            port = free_port()
            with running([sys.executable, "-c", PEER, str(model), str(port)], port, folder) as process:
                measure("Interface", process, f"http://127.0.0.1:{port}/", arguments.users, arguments.seconds, clips)
    calls = sum(len(load.taken) for load in loads.values())
    print(f"\nmemory of app.py over {calls} calls: {grown / 1e6:+.0f} MB; mean call {mean_call(loads):.2f} s")
    missed = [kind for kind in ("people", "bursts") if loads[kind].percentile(0.95) > TARGET_P95]
    failed = sum(len(load.errors) for load in loads.values())
    if arguments.check and (missed or failed):
        print(f"target missed: p95 over {TARGET_P95:g} s for {missed}, {failed} errors", file=sys.stderr)
        return 1
    return 0


def mean_call(loads: dict[str, Load]) -> float:
    return statistics.mean(seconds for load in loads.values() for seconds in load.taken)


if __name__ == "__main__":
    raise SystemExit(main())
