"""What an explanation says: parts of a sound, how strongly each decided, and how far they carry the answer."""

from dataclasses import dataclass

METHOD = "occlusion"
SOURCE = "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, arxiv.org/abs/1311.2901"


@dataclass(frozen=True)
class Part:
    """A part of a sound that spoke for the label.

    start, end: in seconds. low_hz, high_hz: the frequencies that matter in it; None where no range stands out.
    weight: how far the label's log-odds fall when this part alone is taken away.
    strength: the weight beside that of the strongest part, above 0 and at most 1.
    """

    start: float
    end: float
    low_hz: float | None
    high_hz: float | None
    weight: float
    strength: float


@dataclass(frozen=True)
class Explanation:
    """Why a model says a label.

    label: what is explained. parts: the strongest first; none where no part matters more than the rest.
    start, end: the stretch of the sound that was looked at, in seconds; `whole` says whether that is all of it.
    score: of the label in that stretch, 0 to 1. kept_score: with nothing but the parts left; removed_score: with the
    parts taken away. An explanation is good when the first is high and the second low; without parts all are alike.
    replaced_by: what stood in place of what was taken away, "background" or "silence". evaluations: how
    many sounds the model was asked about.
    """

    label: str
    parts: tuple[Part, ...]
    start: float
    end: float
    whole: bool
    score: float
    kept_score: float
    removed_score: float
    replaced_by: str = "background"
    evaluations: int = 1
    method: str = METHOD
    source: str = SOURCE
