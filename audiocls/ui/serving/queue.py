"""How the app serves many visitors with what one machine has: its queue, its threads, what is ready before it opens."""

import os
import threading
import time
from typing import Any

import numpy as np

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.context import AppContext
from audiocls.ui.hearing import hear, share_processor
from audiocls.ui.limits import EVENTS_AT_ONCE, EVENTS_WAITING, THREADS, WORKSPACE_SECONDS

# What `Blocks.queue` and `Blocks.launch` are told.
QUEUE: dict[str, Any] = {"max_size": EVENTS_WAITING, "default_concurrency_limit": EVENTS_AT_ONCE}
SERVER: dict[str, Any] = {"max_threads": THREADS}


def prepare() -> None:
    """Before the page is built: processor time for who waits, none for tables that nobody sees."""
    share_processor()
    # gradio makes statistics of all past events anew after each one; their page is not served
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"


def warm_up(classifier: AudioClassifier) -> None:
    """Hear a second of noise, so that the first visitor does not wait for what happens once."""
    noise = np.random.default_rng(0).normal(0, 0.1, classifier.sampling_rate).astype(np.float32)
    hear(classifier, noise)


def look_after(context: AppContext, every_seconds: float = 60.0) -> threading.Thread:
    """Delete in the background what visitors left without saying so: a page that was lost sends no farewell."""

    def look() -> None:
        while True:
            time.sleep(every_seconds)
            context.workspaces.forget_unused(WORKSPACE_SECONDS)

    thread = threading.Thread(target=look, name="caretaker", daemon=True)
    thread.start()
    return thread
