"""What a model card is made of: plain facts about one model, filled in by whoever trained or published it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class CardFacts:
    """Facts about one model. Only the first block is needed; what is not known is left out of the card.

    label_counts: clips of each label, in the order of `labels`, by part: {"train": [30, 25], "test": [9, 8]}.
    clip_seconds: the window the model was trained on.
    custom_code: the folder brings code of its own (our architectures); False for a native transformers architecture,
        of which `pipeline` sees only the first window of a long sound.
    test_metrics, validation_metrics: as `metrics.score_predictions` with "split" gives them.
    clip_counts, part_seconds: number and length of the clips, by part.
    license: an identifier as the Hub lists them, such as "cc-by-4.0".
    attribution: where the data comes from and under which licences, as plain text.
    dataset_id: of a data set on the Hub; None for a folder. dataset_revision: the commit of it.
    confusion_matrix, curves, leaderboard_picture: file names of the pictures beside the card, None if there is none.
    examples: how many clips lie in `examples/`; examples_attributed: whether a table there says where they come from.
    method: how the model was made, in a sentence or two.
    leaderboard: what was compared to choose the kind of model, best first: dicts with "model", "balanced_accuracy",
        "balanced_accuracy_low" and "_high", "difference_to_best", "difference_low" and "_high", "training_seconds",
        "p_holm", "size_mb" and "note"; what is not known is None.
    calibration, rejection: how the scores were calibrated and the sense of unknown sounds was fitted, as
        training_config.json tells it; None where it was not done.
    thresholds: by label, from which score on it is the answer; None where the best score decides.
    leak_report: as `audiocls.comparison.leaks.leak_report` gives it.
    detection: from which scores events are heard in long recordings, as `config.detection` holds it.
    reliability_picture: file name of the reliability diagram, None if there is none.
    """

    name: str
    labels: Sequence[str]
    label_counts: Mapping[str, Sequence[int]]
    sampling_rate: int
    clip_seconds: float

    description: str = ""
    multi_label: bool = False
    custom_code: bool = True
    model_id: str | None = None
    base_model: str | None = None
    license: str | None = None

    test_metrics: Mapping[str, Any] | None = None
    validation_metrics: Mapping[str, Any] | None = None
    confusion_matrix: str | None = "confusion_matrix.png"
    curves: str | None = "curves.png"

    calibration: Mapping[str, Any] | None = None
    thresholds: Mapping[str, float] | None = None
    rejection: Mapping[str, Any] | None = None
    leak_report: Mapping[str, Any] | None = None
    detection: Mapping[str, Any] | None = None
    reliability_picture: str | None = None

    dataset_name: str | None = None
    dataset_id: str | None = None
    dataset_revision: str | None = None
    clip_counts: Mapping[str, int] = field(default_factory=dict)
    part_seconds: Mapping[str, float] = field(default_factory=dict)
    split_note: str = ""
    skipped: int = 0
    warnings: Sequence[str] = ()
    attribution: str | None = None
    examples: int = 0
    examples_attributed: bool = False

    method: str = ""
    leaderboard: Sequence[Mapping[str, Any]] = ()
    leaderboard_picture: str | None = None

    config: Mapping[str, Any] = field(default_factory=dict)
    num_parameters: int | None = None
    weights_bytes: int | None = None
    training_seconds: float | None = None
    num_epochs: int | None = None
    best_epoch: int | None = None
    device: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
