"""Starting several CPU processes that train together.

`accelerate launch` starts a process for each GPU, but leaves several CPU processes to MPI and, without it, quietly
starts one. Then the processes it was asked for are started here.
"""

import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence

GRACE_SECONDS = 5.0  # for the others to end by themselves when one has failed
# Any of these tells that a launcher has already placed this process among others.
PLACED = ("RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


def processes_asked_of_accelerate() -> int:
    """How many CPU processes `accelerate launch --cpu --num_processes N` was asked for and did not start; else 1."""
    if any(name in os.environ for name in PLACED) or "MASTER_ADDR" not in os.environ:
        return 1
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() not in ("true", "1"):
        return 1
    import psutil

    parent = psutil.Process().parent()
    words = parent.cmdline() if parent else []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name in ("--num_processes", "--num-processes", "-n"):
            count = value or following
            return int(count) if count.isdigit() else 1
    return 1


def processes_to_start(asked: int) -> int:
    """How many processes this one should start: as many as it or `accelerate launch` was asked for; 1, which is none,
    for one that a launcher has already placed among others."""
    if any(name in os.environ for name in PLACED):
        return 1
    return max(asked, processes_asked_of_accelerate())


def run_together(count: int, function: Callable[[list[str]], int], arguments: Sequence[str]) -> int:
    """Run `function(arguments)` in `count` new CPU processes joined through gloo, and return the worst exit code."""
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // count))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_worker, args=(rank, count, port, function, list(arguments))) for rank in range(count)
    ]
    for worker in workers:
        worker.start()
    try:
        while all(worker.exitcode in (None, 0) for worker in workers) and any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.join(0.1)
    finally:  # one that failed or was interrupted would leave the others waiting for it
        for worker in workers:
            worker.join(GRACE_SECONDS if worker.exitcode is None else None)
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return max(abs(worker.exitcode or 0) for worker in workers)


def _worker(rank: int, count: int, port: int, function: Callable[[list[str]], int], arguments: list[str]) -> None:
    os.environ |= {
        "ACCELERATE_USE_CPU": "true",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }
    raise SystemExit(function(arguments))
