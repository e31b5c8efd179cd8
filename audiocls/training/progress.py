"""Where a run by epochs stands: its rows of scores, and which epoch's weights are the ones to keep."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Plain values, saved with every checkpoint.

    epoch, step: epochs and optimiser steps done. best_epoch: the one whose weights are kept, and its `best_score`.
    """

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_score: list[float] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    def record(self, row: dict[str, Any], by_score: bool) -> bool:
        """Add the row of an epoch that is done; returns whether its weights are the ones to keep so far.

        They are if it is the latest or, `by_score`, has the highest validation macro F1 and then the lowest
        validation loss. The latest by default: the learning rate ends at zero there, while the best of many scores on
        a few validation clips is mostly the luckiest.
        """
        self.history.append(row)
        self.epoch = row["epoch"]
        score = [row["validation_f1"], -row["validation_loss"]] if by_score else [float(self.epoch)]
        if self.best_score and score < self.best_score:
            return False
        self.best_score, self.best_epoch = score, self.epoch
        return True

    @property
    def epochs_without_better(self) -> int:
        """Epochs done since the best."""
        return self.epoch - self.best_epoch
