"""What can be chosen when recordings are cut into clips: one dataclass for Python and the command line."""

import dataclasses
from dataclasses import dataclass

from audiocls.errors import UsageError
from audiocls.settings import check_fields, fields_by_name, setting


@dataclass(frozen=True)
class SegmentOptions:
    """How recordings are cut.

    Raises:
        UsageError: a value is out of range; the message names the field, the value and the limit.
    """

    labels: str | None = setting(
        None,
        "segment",
        "cut what is labelled: a table of labels (CSV, Audacity, Raven, JSON) that names the recordings; a folder of "
        "tables, each named as its recording; or beside, for such tables beside the recordings. Without: cut where "
        "something sounds",
        metavar="TABLE",
    )
    min_seconds: float = setting(
        0.05,
        "segment",
        "shorter sounds are left out; shorter labels are widened to it",
        metavar="S",
        limits=(0.02, 600),
    )
    max_seconds: float = setting(
        10.0,
        "segment",
        "what is longer is split where it is quietest",
        metavar="S",
        limits=(0.1, 3600),
    )
    padding_seconds: float = setting(
        0.1,
        "segment",
        "kept before and after a sound, at most half of the way to the next",
        metavar="S",
        limits=(0, 60),
    )
    merge_gap_seconds: float = setting(
        0.3, "segment", "sounds with a shorter gap between them are one clip", metavar="S", limits=(0, 60)
    )
    snr_db: float = setting(
        6.0,
        "segment",
        "how far a sound must rise over the noise, in some octave",
        metavar="DB",
        limits=(1, 60),
    )
    background: int = setting(
        0,
        "segment",
        "also write up to N quiet clips a recording into the folder background, which training takes as no class",
        metavar="N",
        limits=(0, 100_000),
    )
    denoise: str = setting(
        "no", "segment", "reduce the noise, in the clips as well", ("no", "stationary", "nonstationary")
    )
    format: str = setting("wav", "segment", "of the clips", ("wav", "flac"))
    sampling_rate: int | None = setting(
        None, "segment", "of the clips; that of the recording unless given", metavar="HZ", limits=(1000, 768_000)
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_seconds < 2 * self.min_seconds:
            raise UsageError(
                f"max_seconds is {self.max_seconds:g}; it must be at least twice min_seconds ({self.min_seconds:g})"
            )


def segment_settings() -> dict[str, dataclasses.Field]:
    """All options by name, in the order of `--help`."""
    return fields_by_name(SegmentOptions)
