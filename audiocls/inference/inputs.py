"""What a classifier accepts, made one thing: a mono float32 waveform at the model's sampling rate.

Files, bytes and file objects go to `audiocls.audio`; arrays and tensors are scaled, mixed and resampled here. Nothing
here knows of models.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from audiocls.audio.decoding import HIGHEST_RATE, LOWEST_RATE, decode
from audiocls.errors import AudioReadError, UsageError

# integer samples -> (value of silence, full scale)
_SCALES = {"uint8": (128, 2.0**7), "int8": (0, 2.0**7), "int16": (0, 2.0**15), "int32": (0, 2.0**31)}


def is_single(inputs: Any) -> bool:
    """Whether `inputs` is one clip rather than a list, tuple, generator or other collection of clips."""
    if isinstance(inputs, str | bytes | bytearray | memoryview | PathLike | Mapping):
        return True
    return hasattr(inputs, "read") or hasattr(inputs, "shape") or _is_decoder(inputs) or _is_rate_and_array(inputs)


def to_waveform(clip: Any, target_rate: int, sampling_rate: int | None = None) -> np.ndarray:
    """Mono float32 (time,) at `target_rate` Hz.

    Args:
        clip: a path, bytes of an audio file, a binary file object, an array or tensor (see `array_to_waveform`), a
            mapping with `array` or `raw` and `sampling_rate`, one with `bytes` or `path` as datasets gives it
            undecoded, or a tuple `(rate, array)` as gradio gives it. An AudioReadError of whoever decoded is raised.
        target_rate: in Hz.
        sampling_rate: of an array that does not say its own, in Hz; ignored for files.

    Raises:
        AudioReadError: the clip holds no readable sound.
        UsageError: no such kind of input, or an array without its rate.
    """
    if isinstance(clip, str | bytes | bytearray | memoryview | PathLike) or hasattr(clip, "read"):
        return decode(clip, target_rate)  # type: ignore[arg-type]
    if isinstance(clip, AudioReadError):
        raise clip
    if hasattr(clip, "shape"):
        return array_to_waveform(clip, sampling_rate, target_rate)
    if _is_rate_and_array(clip):
        return array_to_waveform(clip[1], clip[0], target_rate)
    if _is_decoder(clip):  # torchcodec's, as datasets gives decoded audio
        samples = clip.get_all_samples()
        return array_to_waveform(samples.data, samples.sample_rate, target_rate)
    if isinstance(clip, Mapping):
        array = clip["array"] if clip.get("array") is not None else clip.get("raw")
        if array is not None:
            return array_to_waveform(array, clip.get("sampling_rate", sampling_rate), target_rate)
        source = clip.get("bytes") if clip.get("bytes") is not None else clip.get("path")
        if source is not None:
            return decode(source, target_rate)
        raise UsageError("a dict of audio needs 'array' (or 'raw') and 'sampling_rate', or 'bytes', or 'path'")
    raise UsageError(
        f"audio of type {type(clip).__name__} is not understood; give a file, bytes, a file object, an array or tensor "
        "with sampling_rate, a dict with 'array' and 'sampling_rate', or a list of these"
    )


def array_to_waveform(array: Any, sampling_rate: int | None, target_rate: int) -> np.ndarray:
    """Mono float32 (time,) at `target_rate` Hz from samples at `sampling_rate` Hz.

    Args:
        array: (time,), (channels, time) or (time, channels), as anything numpy reads or a torch tensor on any device.
            The smaller dimension is taken for the channels, the last one when they are equal. Floats have full scale
            1.0; int8, int16, int32 and uint8 are scaled to it.

    Raises:
        AudioReadError: no samples, or some that are NaN or infinite.
        UsageError: no rate, one out of range, or an array of another type or shape.
    """
    if sampling_rate is None:
        raise UsageError("sampling_rate is missing: an array does not say how many samples make a second")
    if isinstance(sampling_rate, bool) or not isinstance(sampling_rate, int | float | np.integer | np.floating):
        raise UsageError(f"sampling_rate is {sampling_rate!r}; it must be a number of Hz")
    if not LOWEST_RATE <= sampling_rate <= HIGHEST_RATE:
        raise UsageError(f"sampling_rate is {sampling_rate:g} Hz; it must lie between {LOWEST_RATE} and {HIGHEST_RATE}")
    if hasattr(array, "detach"):  # a torch tensor; numpy has no bfloat16
        array = array.detach().cpu()
        array = (array.float() if array.is_floating_point() else array).numpy()
    samples = np.asarray(array)
    if samples.dtype.name in _SCALES:
        silence, full_scale = _SCALES[samples.dtype.name]
        waveform = (samples.astype(np.float32) - np.float32(silence)) / np.float32(full_scale)
    elif samples.dtype.kind == "f":
        waveform = samples.astype(np.float32)
    else:
        raise UsageError(f"an array of {samples.dtype} is no audio; give floats, int8, int16, int32 or uint8")
    if waveform.ndim == 2:
        waveform = waveform.mean(axis=0 if waveform.shape[0] < waveform.shape[1] else 1)
    if waveform.ndim != 1:
        raise UsageError(f"an array of shape {samples.shape} is no audio clip; give (time,) or (channels, time)")
    if len(waveform) == 0:
        raise AudioReadError("audio array", "it holds no samples")
    if not np.isfinite(waveform).all():
        raise AudioReadError("audio array", "it holds samples that are not numbers (NaN or infinite)")
    if sampling_rate != target_rate:
        import soxr

        waveform = soxr.resample(waveform, sampling_rate, target_rate, "HQ")
    return waveform


def _is_rate_and_array(inputs: Any) -> bool:
    return (
        isinstance(inputs, tuple)
        and len(inputs) == 2
        and isinstance(inputs[0], int | np.integer)
        and hasattr(inputs[1], "shape")
    )


def _is_decoder(inputs: Any) -> bool:
    return hasattr(inputs, "get_all_samples")


def check_count(name: str, value: Any) -> None:
    """See that a number, such as a batch size, is a whole one from 1 up.

    Raises:
        UsageError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{name} is {value!r}; it must be a whole number from 1 up")
