"""The colour of a share in a confusion matrix, for pictures and pages alike. It draws nothing."""

from collections.abc import Sequence

STOPS = ("#ffffff", "#cfe3f1", "#6aaed6", "#1f6fb0", "#0a3a6b")  # of 0 to 1, evenly spaced
DARK, LIGHT = "#000000", "#ffffff"


def share_colour(share: float) -> str:
    """The colour of a share between 0 and 1, as "#rrggbb"."""
    place = min(1.0, max(0.0, share)) * (len(STOPS) - 1)
    left = min(int(place), len(STOPS) - 2)
    mixed = (
        round(a + (b - a) * (place - left)) for a, b in zip(_parts(STOPS[left]), _parts(STOPS[left + 1]), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def ink_on(colour: str) -> str:
    """Dark or light text, whichever has more contrast on a colour (WCAG 2.1, relative luminance)."""
    return max((DARK, LIGHT), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours "#rrggbb", 1 to 21 (WCAG 2.1)."""
    low, high = sorted((_luminance(_parts(one)), _luminance(_parts(other))))
    return (high + 0.05) / (low + 0.05)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(parts: Sequence[int]) -> float:
    linear = [value / 12.92 if (value := part / 255) <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
