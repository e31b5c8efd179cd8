"""One event in a recording."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something heard from `start_seconds` to `end_seconds`, counted from the start of the recording.

    peak_score, mean_score: the highest and the mean score of its label while it lasts, 0 to 1.
    """

    start_seconds: float
    end_seconds: float
    label: str
    peak_score: float = 1.0
    mean_score: float = 1.0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds
