"""The process that does an errand of the app: the command line with low priority, which ends when the app does.

    python -m audiocls.ui.train.child train DATA --output_dir OUT ...

It holds the other end of its standard input: when that closes, for whatever reason the app ended, it stops as by
Ctrl-C, so that a checkpoint stays.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading

NICENESS = 10
PATIENCE_SECONDS = 5.0


def _end_with_the_app() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    signal.raise_signal(signal.SIGINT)
    threading.Event().wait(PATIENCE_SECONDS)
    with contextlib.suppress(OSError, AttributeError):
        if os.getpgrp() == os.getpid():  # with what it started
            os.killpg(0, signal.SIGKILL)
    os._exit(130)


if __name__ == "__main__":
    # A program started in the background may have Ctrl-C switched off.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_the_app, daemon=True).start()
    sys.argv[0] = "audiocls"
    runpy.run_module("audiocls.cli", run_name="__main__")
