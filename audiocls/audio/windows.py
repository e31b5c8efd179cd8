"""Where the windows of a clip lie, without a tensor."""


def window_starts(length: int, window_length: int) -> list[int]:
    """Where the windows of a clip start, in samples: the rule of `modeling_audiocls.cut_windows`, without a tensor.

    A clip up to one window long is one window of its own length; a longer one becomes `ceil(length / window_length)`
    full windows, evenly spaced, the first at its start and the last at its end.
    """
    count = max(1, -(-length // window_length))
    if count == 1:
        return [0]
    return [i * (length - window_length) // (count - 1) for i in range(count)]
