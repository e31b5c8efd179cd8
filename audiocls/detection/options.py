"""What can be chosen when events are looked for: one dataclass for Python, the command line and the record of a run."""

import dataclasses
from dataclasses import dataclass

from audiocls.settings import check_fields, fields_by_name, setting


@dataclass(frozen=True)
class DetectOptions:
    """How events are found. What is None is chosen by the model's `config.detection`, or else for the kind of model.

    Raises:
        UsageError: a value is out of range; the message names the field, the value and the limit.
    """

    window_seconds: float | None = setting(
        None, "detect", "length of the windows that are scored", metavar="S", limits=(0.02, 60)
    )
    hop_seconds: float | None = setting(
        None,
        "detect",
        "from the start of one window to that of the next; about 3/4 of a window unless given",
        metavar="S",
        limits=(0.005, 60),
    )
    threshold: str = setting(
        "auto",
        "detect",
        "score from which a window belongs to an event: auto (what was fitted in training), a number, or "
        "a file of a threshold for each class, as `audiocls evaluate --events` writes it",
        metavar="X",
    )
    min_duration_seconds: float | None = setting(
        None, "detect", "shorter events are dropped", metavar="S", limits=(0, 3600)
    )
    merge_gap_seconds: float | None = setting(
        None, "detect", "events of one class with a shorter gap between them are one", metavar="S", limits=(0, 3600)
    )
    classes: str | None = setting(None, "detect", "classes to report, separated by commas", metavar="A,B,...")
    background: str | None = setting(None, "detect", "class that is background: it is never an event", metavar="NAME")
    denoise: str = setting(
        "model",
        "detect",
        "reduce noise beforehand, which helps where it is about as loud as the sounds; model: as the model does by "
        "itself, and no more",
        ("model", "stationary", "nonstationary"),
    )

    def __post_init__(self) -> None:
        check_fields(self)


def detect_settings() -> dict[str, dataclasses.Field]:
    """All options by name, in the order of `--help`."""
    return fields_by_name(DetectOptions)
