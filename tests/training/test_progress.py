"""Which epoch's weights are kept."""

from audiocls.training.progress import Progress


def run(scores, by_score):
    progress = Progress()
    kept = [
        progress.record({"epoch": number, "validation_f1": f1, "validation_loss": loss}, by_score)
        for number, (f1, loss) in enumerate(scores, 1)
    ]
    return progress, kept


SCORES = [(0.5, 1.0), (0.8, 0.9), (0.8, 0.7), (0.8, 0.8), (0.6, 0.1)]


def test_by_score_the_highest_f1_wins_and_then_the_lowest_loss():
    progress, kept = run(SCORES, by_score=True)
    assert kept == [True, True, True, False, False]
    assert progress.best_epoch == 3
    assert progress.epochs_without_better == 2


def test_else_the_latest_is_kept():
    progress, kept = run(SCORES, by_score=False)
    assert all(kept)
    assert progress.best_epoch == progress.epoch == 5
    assert progress.epochs_without_better == 0
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4, 5]
