"""`evaluate`: a trained model on labelled sounds, with its scores, pictures and a page of its mistakes."""

from pathlib import Path
from typing import Any

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_labelled_clips
from audiocls.errors import OutputError
from audiocls.inference.classifier import AudioClassifier
from audiocls.model_folder import explained
from audiocls.scoring import evaluate_clips, report_data


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
        The metrics, as `audiocls.evaluation.metrics.score_predictions` describes them.

    Raises:
        DataError: nothing usable, or a class that the model does not know.
        ModelError: the model cannot be loaded.
        OutputError: `output_dir` exists or cannot be written.
        UsageError: an expression or table is wrong.
    """
    if output_dir is not None and Path(output_dir).exists():
        raise OutputError(f"{output_dir} exists; choose another --output_dir")
    classifier = model if isinstance(model, AudioClassifier) else AudioClassifier.from_pretrained(model)
    config = TrainConfig(
        sampling_rate=classifier.sampling_rate,
        strict=strict,
        label_regex=label_regex,
        group_regex=group_regex,
        group_table=group_table,
    )
    audio = load_labelled_clips(str(data), config, classifier.labels, classifier.multi_label)
    if verbose:
        report_data(audio, print)
    evaluation = evaluate_clips(classifier, audio.test, audio.test_name, batch_size, negatives=audio.test_negatives)
    if output_dir is not None:
        with explained(Path(output_dir)):
            Path(output_dir).mkdir(parents=True)
        evaluation.save(output_dir)
    return evaluation.metrics
