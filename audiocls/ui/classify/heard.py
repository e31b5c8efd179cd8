"""What a page has heard: the sound, the answer, and which of several questions was the last. It shows nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiocls.attribution.explanation import Explanation
from audiocls.inference.answers import Answer
from audiocls.ui.card import escaped
from audiocls.ui.sound_view import Mark
from audiocls.ui.texts import classify as texts


@dataclass
class Heard:
    """A sound that was answered.

    path: the file as given. model: the name it is open under. number: of the question, as `Questions` counts.
    picture: what the view shows of it, without marks. explained: whether somebody is at it already.
    """

    path: Path
    model: str
    number: int
    answer: Answer
    picture: dict[str, Any] | None = None
    explained: bool = False
    corrected: str | None = None  # key of what was kept of it


@dataclass
class Questions:
    """Counts what a page asks, so that the answer to an earlier question never replaces that to a later one."""

    last: int = 0
    heard: Heard | None = field(default=None)

    def ask(self) -> int:
        """The number of a new question."""
        self.last += 1
        return self.last

    def is_last(self, number: int) -> bool:
        return number == self.last


def marks_of(explanation: Explanation) -> list[Mark]:
    """The parts that decided, as the view of a sound marks them, in the order of time."""
    return [
        Mark(
            part.start,
            part.end,
            label=f"{explanation.label}: {part.strength:.0%}" if len(explanation.parts) > 1 else explanation.label,
            low_hz=part.low_hz,
            high_hz=part.high_hz,
            strength=part.strength,
        )
        for part in sorted(explanation.parts, key=lambda part: part.start)
    ]


def told_of(explanation: Explanation) -> str:
    """The line below the picture: the method, and how far the parts carry the answer; in Markdown."""
    text = texts.DECIDED if explanation.parts else texts.NOTHING_DECIDED
    told = text.format(
        label=escaped(explanation.label),
        method=explanation.method,
        url=texts.OCCLUSION_URL,
        replaced=texts.REPLACED[explanation.replaced_by],
        score=explanation.score,
        kept=explanation.kept_score,
        removed=explanation.removed_score,
    )
    return told + ("" if explanation.whole else texts.STRETCH.format(start=explanation.start, end=explanation.end))
