"""The kinds of model that the page offers, in words; and the settings of a training as flags of the command line."""

import math
from dataclasses import dataclass
from pathlib import Path

from audiocls.config import TrainConfig, settings
from audiocls.errors import UsageError
from audiocls.model_folder import is_model_folder
from audiocls.pretrained.weights import REGISTRY, default_folder
from audiocls.ui.limits import MOST_BUDGET_MINUTES, MOST_BUDGET_MINUTES_OTHERS
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.texts import train as texts

EXTRA = "extra_folder"
MOST_TEST_SHARE = 0.5


def kinds() -> list[tuple[str, str]]:
    """(words, name) of the kinds that can be trained here now; pretrained ones only if their weights are there."""
    present = [name for name in REGISTRY if is_model_folder(default_folder(name))]
    probes = [(texts.KIND_PROBE.format(title=REGISTRY[name].title), f"probe:{name}") for name in present]
    return [*probes, (texts.KIND_AUTO, "auto"), *((words, name) for name, words in texts.KINDS.items())]


def kinds_note() -> str:
    """What is said below the kinds; where pretrained weights are missing, how to get them."""
    missing = [name for name in REGISTRY if not is_model_folder(default_folder(name))]
    return texts.KIND_INFO + (texts.NO_WEIGHTS.format(name=missing[0]) if len(missing) == len(REGISTRY) else "")


def can_add_corrections() -> bool:
    """Whether `train` takes a folder of extra clips."""
    return EXTRA in settings()


@dataclass(frozen=True)
class Choices:
    """What a visitor chose; checked against what is offered and allowed.

    Raises:
        UsageError: a value that the page does not offer, or more minutes than this visitor may take.
    """

    kind: str
    budget_minutes: float
    test_size: float
    extra_folder: Path | None = None

    @classmethod
    def checked(
        cls, kind: object, minutes: object, percent: object, visitor: Visitor, extra: Path | None = None
    ) -> "Choices":
        if kind not in [name for _, name in kinds()]:
            raise UsageError(texts.NO_SUCH_KIND)
        most = MOST_BUDGET_MINUTES if visitor.local else MOST_BUDGET_MINUTES_OTHERS
        budget = _number(minutes)
        if not 0.1 <= budget <= most:
            raise UsageError(texts.BAD_BUDGET.format(limit=most))
        share = _number(percent) / 100
        if not 0 <= share <= MOST_TEST_SHARE:
            raise UsageError(texts.BAD_TEST_SHARE.format(limit=100 * MOST_TEST_SHARE))
        return cls(str(kind), budget, round(share, 4), extra)

    def flags(self) -> list[str]:
        """As the command line takes them."""
        TrainConfig(model=self.kind)  # an unknown kind fails at once
        flags = ["--model", self.kind, "--test_size", f"{self.test_size:g}"]
        if self.kind == "auto":
            flags += ["--budget_minutes", f"{self.budget_minutes:g}"]
        if self.extra_folder is not None:
            flags += [f"--{EXTRA}", str(self.extra_folder)]
        return flags


def _number(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan
