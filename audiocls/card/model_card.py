"""The model card: README.md with metadata that the Hub reads, filled from facts through huggingface_hub."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, ModelCard, ModelCardData, eval_result_entries_to_yaml

from audiocls.card import honesty_text, tables
from audiocls.card import text as card_text
from audiocls.card.facts import CardFacts
from audiocls.evaluation.evaluation import HEADLINES, scores_line
from audiocls.whole_files import write_text

TEMPLATE = Path(__file__).with_name("model_card.md")  # in a source tree a link to the file at the top
README = "README.md"
EVAL_RESULTS = ".eval_results"
TASK = "audio-classification"
# Name of the score, identifier of the metric on the Hub, its arguments.
REPORTED = (
    ("accuracy", "accuracy", None),
    ("balanced_accuracy", "balanced_accuracy", None),
    ("macro_f1", "f1", {"average": "macro"}),
    ("macro_precision", "precision", {"average": "macro"}),
    ("macro_recall", "recall", {"average": "macro"}),
)


def model_card(facts: CardFacts) -> ModelCard:
    """Fill the template."""
    test, validation = facts.test_metrics, facts.validation_metrics
    return ModelCard.from_template(
        metadata(facts),
        template_path=str(TEMPLATE),
        name=card_text.escape(facts.name),
        summary=card_text.summary(facts),
        parts=[card_text.escape(part) for part in facts.label_counts],
        label_rows=card_text.label_rows(facts),
        model_id=python_string(facts.model_id or facts.name),
        custom_code=facts.custom_code,
        top_k=min(3, len(facts.labels)),
        input_note=card_text.input_note(facts),
        test=card_text.score_text(test) if test else None,
        validation=card_text.score_text(validation) if validation else None,
        confusion_matrix=facts.confusion_matrix,
        threshold_note=honesty_text.threshold_note(facts),
        threshold_rows=honesty_text.threshold_rows(facts) if facts.multi_label else [],
        calibration=honesty_text.calibration_text(facts),
        reliability_picture=facts.reliability_picture,
        reliability_caption=honesty_text.reliability_caption(facts),
        rejection=honesty_text.rejection_text(facts),
        closest=card_text.one_line(facts.labels[0]),
        leaks=card_text.escape(" ".join(honesty_text.leak_sentences(facts.leak_report))) if facts.leak_report else "",
        limits=card_text.limits(facts) + honesty_text.denoising_text(facts) + honesty_text.detection_text(facts),
        data_note=card_text.data_note(facts),
        split_note=card_text.escape(facts.split_note),
        attribution=card_text.escape(facts.attribution or ""),
        examples=card_text.examples_note(facts),
        data_warnings=[card_text.escape(warning) for warning in facts.warnings],
        method=card_text.escape(facts.method),
        leaderboard=tables.leaderboard_rows(facts),
        leaderboard_picture=facts.leaderboard_picture,
        curves=facts.curves,
        facts=tables.fact_rows(facts),
        settings=tables.setting_rows(facts.config),
        licence_note=card_text.licence_note(facts),
    )


def write_model_card(facts: CardFacts, folder: str | Path) -> None:
    """Write README.md, and `.eval_results/NAME.yaml` when the data set is one of the Hub's.

    Raises:
        OutputError: it cannot be written.
    """
    folder = Path(folder)
    write_text(folder / README, str(model_card(facts)).rstrip() + "\n")
    # Not for a folder of sounds: the form names a data set of the Hub, and a made-up name could be somebody else's.
    if facts.dataset_id and facts.test_metrics:
        dataset = f"{facts.dataset_id}@{facts.dataset_revision or ''}"
        for path, text in eval_results_texts(facts.test_metrics, dataset).items():
            write_text(folder / path, text)


def metadata(facts: CardFacts) -> ModelCardData:
    """What the Hub reads: how to load the model, what it was trained on, and its test scores as a model index."""
    return ModelCardData(
        library_name="transformers",
        pipeline_tag=TASK,
        tags=["audio", TASK, "audiocls"],
        license=facts.license.lower() if facts.license else "unknown",
        base_model=facts.base_model,
        datasets=[facts.dataset_id] if facts.dataset_id else None,
        metrics=list(dict.fromkeys(metric for _, metric, _ in REPORTED)),
        model_name=card_text.one_line(facts.name),
        eval_results=_eval_results(facts),
    )


def _eval_results(facts: CardFacts) -> list[EvalResult] | None:
    metrics = facts.test_metrics
    if not metrics:
        return None
    return [
        EvalResult(
            task_type=TASK,
            task_name="Audio Classification",
            dataset_type=facts.dataset_id or "audiofolder",
            dataset_name=card_text.one_line(facts.dataset_name or facts.dataset_id or facts.name),
            dataset_split=metrics["split"],
            dataset_revision=facts.dataset_revision,
            metric_type=metric,
            metric_name=HEADLINES[name].capitalize().replace("f1", "F1"),
            metric_value=round(float(metrics[name]), 4),
            metric_args=arguments,
        )
        for name, metric, arguments in REPORTED
    ]


def eval_results_texts(metrics: Mapping[str, Any], dataset_id: str) -> dict[str, str]:
    """The accuracy in the Hub's newer form, as {path in the repository: YAML}.

    Args:
        metrics: as `CardFacts.test_metrics`.
        dataset_id: "user/name" of the data set on the Hub, maybe with "@revision".
    """
    repo_id, _, revision = dataset_id.partition("@")
    low, high = metrics["intervals"]["accuracy"]
    entry = EvalResultEntry(
        dataset_id=repo_id,
        dataset_revision=revision if re.fullmatch("[0-9a-f]{40}", revision) else None,
        task_id=TASK,
        value=round(float(metrics["accuracy"]), 4),
        notes=f"Accuracy, {low:.3f} to {high:.3f}; {scores_line(dict(metrics))}",
    )
    name = re.sub(r"[^\w.-]+", "-", repo_id).strip("-.").lower()
    text = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, allow_unicode=True)
    return {f"{EVAL_RESULTS}/{name}.yaml": text}


def python_string(text: Any) -> str:
    """The text as a Python literal on one line, in the card's code."""
    return '"' + repr(card_text.one_line(text))[1:-1].replace('"', '\\"').replace("\\'", "'") + '"'
