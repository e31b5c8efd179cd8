"""Several processes that share a corpus: what `accelerate launch` started, and which recordings each of them takes.

The processes speak to one another at the start and at the end only; what they find meets in the output folder, which
all of them must see.
"""

import heapq
import json
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from audiocls import errors
from audiocls.errors import AudioclsError
from audiocls.training.launch import PLACED

# The first process to finish waits for the last: after days, perhaps.
LONGEST_WAIT = timedelta(days=60)


class Processes:
    """The processes of this run; one unless a launcher placed this one among others. `rank` 0 is the main one."""

    def __init__(self) -> None:
        self.rank, self.count, self.cores = 0, 1, os.cpu_count() or 1
        self._state: Any = None
        self._ours = False
        if any(name in os.environ for name in PLACED):
            from accelerate import PartialState
            from accelerate.utils import parse_flag_from_env

            self._ours = not PartialState._shared_state  # else a program around us has joined the processes
            self._state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"), timeout=LONGEST_WAIT)
            self.rank, self.count = self._state.process_index, self._state.num_processes
            self.cores = max(1, self.cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))

    @property
    def is_main(self) -> bool:
        """Whether this process prepares the folder and merges the results."""
        return self.rank == 0

    def from_main(self, make: Callable[[], Any]) -> Any:
        """What `make` gives in the main process, something JSON can hold, in all of them; or its error in all of them.

        Raises:
            AudioclsError: the one of the main process.
        """
        if self.count == 1:
            return make()
        told: list[Any] = [None]
        if self.is_main:
            try:
                told = [json.dumps({"value": make()})]
            except AudioclsError as error:
                told = [json.dumps({"error": type(error).__name__, "message": str(error)})]
        from accelerate.utils import broadcast_object_list

        answer = json.loads(broadcast_object_list(told)[0])
        if "error" in answer:
            kind = getattr(errors, answer["error"], AudioclsError)
            raise (AudioclsError if kind is errors.AudioReadError else kind)(answer["message"])
        return answer["value"]

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def leave(self) -> None:
        """Part from the other processes, if it was here that they were joined."""
        if self._state is not None and self._ours:
            self._state.destroy_process_group()


def shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Divide things of these sizes among `count` processes: the indices that each takes, the largest first.

    The largest that is left goes to who has least so far, so the shares are about equal, and always the same.
    """
    divided: list[list[int]] = [[] for _ in range(count)]
    loads = [(0, process) for process in range(count)]
    for index in sorted(range(len(sizes)), key=lambda index: (-sizes[index], index)):
        load, process = heapq.heappop(loads)
        divided[process].append(index)
        heapq.heappush(loads, (load + sizes[index] + 1, process))
    return divided
