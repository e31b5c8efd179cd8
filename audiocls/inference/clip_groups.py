"""A long list of clips, decoded some minutes of sound at a time, so that memory does not grow with the list."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from audiocls.errors import AudioReadError, UsageError
from audiocls.inference.inputs import to_waveform

GROUP_SECONDS = 600.0


def clip_groups(
    inputs: Iterable[Any],
    target_rate: int,
    sampling_rate: int | None,
    most_clips: int,
    on_error: Literal["raise", "return"],
) -> Iterator[list[np.ndarray | AudioReadError]]:
    """Yield groups of waveforms, float32 (time,) at `target_rate` Hz; clips are as `to_waveform` takes them.

    Args:
        sampling_rate: of arrays that do not say their own, in Hz.
        most_clips: in a group.
        on_error: "return" puts the AudioReadError of an unreadable clip in its place.

    Raises:
        AudioReadError: a clip cannot be read (with "raise").
        UsageError: `on_error` is something else, or a clip is nothing that could be one.
    """
    if on_error not in ("raise", "return"):
        raise UsageError(f"on_error is {on_error!r}; it must be 'raise' or 'return'")
    try:
        remaining = iter(inputs)
    except TypeError:
        remaining = iter([inputs])  # to_waveform says what is wrong with it
    while group := _group(itertools.islice(remaining, most_clips), target_rate, sampling_rate, on_error):
        yield group


def _group(
    clips: Iterable[Any], target_rate: int, sampling_rate: int | None, on_error: Literal["raise", "return"]
) -> list[np.ndarray | AudioReadError]:
    group: list[np.ndarray | AudioReadError] = []
    held = 0
    for clip in clips:
        try:
            waveform = to_waveform(clip, target_rate, sampling_rate)
        except AudioReadError as error:
            if on_error == "raise":
                raise
            group.append(error)
            continue
        group.append(waveform)
        held += len(waveform)
        if held > GROUP_SECONDS * target_rate:
            break
    return group
