"""`evaluate`: a trained model on labelled sounds, with its scores, pictures and a page of its mistakes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from audiocls.comparison.mislabelled import suspects_in
from audiocls.config import TrainConfig
from audiocls.errors import DataError, OutputError
from audiocls.inference.classifier import AudioClassifier
from audiocls.mistakes.page import ERRORS_HTML, write_error_page
from audiocls.mistakes.suspects import Suspects
from audiocls.model_folder import explained
from audiocls.scoring import evaluate_clips, labelled_clips
from audiocls.training.run import Run


def evaluate(
    model: AudioClassifier | str | Path,
    data: str | Path,
    output_dir: str | Path | None = None,
    *,
    label_regex: str | None = None,
    group_regex: str | None = None,
    group_table: str | None = None,
    strict: bool = False,
    check_labels: bool = True,
    batch_size: int = 16,
    verbose: bool = False,
) -> dict[str, Any]:
    """Score a model on labelled sounds: on their test part if they have parts, else on all of them.

    Args:
        model: a classifier, a model folder or a Hub id.
        data: a folder, a zip or a Hub data set id, as for training.
        output_dir: where to write metrics.json, predictions.csv, pictures, errors.html and errors.csv; must not exist.
        label_regex: as the setting of that name, for data whose labels are named as those of the training were.
        group_regex, group_table: as the settings of these names: what clips stand and fall with.
        strict: fail on the first file that cannot be used.
        check_labels: with `output_dir`, also look for likely wrong labels in all parts of the data.
        verbose: print what is left out.

    Returns:
        The metrics, as `audiocls.evaluation.metrics.score_predictions` describes them, and which model it was.

    Raises:
        DataError: nothing usable, or a class that the model does not know.
        ModelError: the model cannot be loaded.
        OutputError: `output_dir` exists or cannot be written.
        UsageError: an expression or table is wrong.
    """
    if output_dir is not None and Path(output_dir).exists():
        raise OutputError(f"{output_dir} exists; choose another --output_dir")
    classifier = model if isinstance(model, AudioClassifier) else AudioClassifier.from_pretrained(model)
    reading: dict[str, Any] = {
        "label_regex": label_regex,
        "group_regex": group_regex,
        "group_table": group_table,
        "strict": strict,
    }
    audio = labelled_clips(classifier, str(data), verbose, **reading)
    evaluation = evaluate_clips(classifier, audio.test, audio.test_name, batch_size, negatives=audio.test_negatives)
    evaluation.metrics["model"] = classifier.origin
    if output_dir is not None:
        with explained(Path(output_dir)):
            Path(output_dir).mkdir(parents=True)
        evaluation.save(output_dir)
        suspects: Suspects | str = "Labels were not checked."
        if check_labels:
            suspects = _suspects(str(data), TrainConfig(**reading), verbose)
        write_error_page(output_dir, classifier.origin, evaluation, audio.test, suspects)
        if verbose:
            print(f"\n{Path(output_dir) / ERRORS_HTML} shows the mistakes; scores and answers are beside it\n")
    return evaluation.metrics


def _suspects(data: str, config: TrainConfig, verbose: bool) -> Suspects | str:
    """Likely wrong labels in all of the data, or why they cannot be told."""
    say: Callable[[str], None] = print if verbose else lambda line: None
    say("looking for likely wrong labels ...")
    try:
        return suspects_in(data, config, Run(Accelerator(), progress_bar=verbose, say=lambda line: None))
    except DataError as error:  # such as two clips of a class: too few to learn from others
        return f"Labels could not be checked: {error}."
