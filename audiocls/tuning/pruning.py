"""Giving up on a trial after some of its folds."""

import numpy as np
import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState

FULL_TRIALS_FIRST = 5  # pruning begins when so many trials have run all folds
FOLDS_BEFORE_PRUNING = 2


class MedianFoldPruner(BasePruner):
    """Stop a trial whose mean over its folds so far lies below the median of the full trials over the same folds.

    The median rule of Golovin et al. (2017). Optuna's MedianPruner compares the best value a trial ever reported,
    which suits learning curves: here one easy fold at the beginning would save every trial.
    """

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        step = trial.last_step
        if step is None or step < FOLDS_BEFORE_PRUNING:
            return False
        full = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = [other.intermediate_values[step] for other in full if step in other.intermediate_values]
        if len(others) < FULL_TRIALS_FIRST:
            return False
        return trial.intermediate_values[step] < float(np.median(others))


def make_pruner(search: str, pruning: bool | None) -> BasePruner:
    """The pruner of a search: unless told, all searches prune but the grid, which is to be exhaustive."""
    wanted = search != "grid" if pruning is None else pruning
    return MedianFoldPruner() if wanted else NopPruner()
