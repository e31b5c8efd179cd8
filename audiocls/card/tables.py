"""Rows of a model card's tables on how the model was made: facts, settings and what was compared to choose it."""

from collections.abc import Mapping, Sequence
from typing import Any

from audiocls.card.facts import CardFacts
from audiocls.card.text import duration, escape, three_digits


def fact_rows(facts: CardFacts) -> list[dict[str, str]]:
    rows = {
        "parameters": None if facts.num_parameters is None else f"{facts.num_parameters:,}",
        "size of the weights": None if facts.weights_bytes is None else f"{facts.weights_bytes / 1e6:.1f} MB",
        "time to train": None if facts.training_seconds is None else duration(facts.training_seconds),
        "epochs": None if facts.num_epochs is None else f"{facts.num_epochs}",
        "epoch kept": None if facts.best_epoch is None else f"{facts.best_epoch}",
        "trained on": facts.device,
        "versions": ", ".join(f"{name} {version}" for name, version in facts.versions.items()) or None,
    }
    return [{"name": name, "value": escape(value)} for name, value in rows.items() if value is not None]


def leaderboard_rows(facts: CardFacts) -> list[dict[str, str]]:
    """What was compared, best first; a candidate without scores says why in the place of its score."""
    rows = []
    for row in facts.leaderboard:
        name = escape(row["model"])
        if row["balanced_accuracy"] is None:
            told = {"name": name, "score": escape(row["note"])}
            rows.append(told | dict.fromkeys(("difference", "p_value", "seconds", "size"), ""))
            continue
        low, high = three_digits(row["balanced_accuracy_low"]), three_digits(row["balanced_accuracy_high"])
        difference = escape(row["note"]) if row["note"] else "-"
        if row["difference_to_best"] is not None:
            between = f"{row['difference_low']:+.3f} to {row['difference_high']:+.3f}"
            difference = f"{row['difference_to_best']:+.3f} ({between})"
        rows.append(
            {
                "name": name,
                "score": f"{three_digits(row['balanced_accuracy'])} ({low} to {high})",
                "difference": difference,
                "p_value": _p_value(row.get("p_holm")),
                "seconds": duration(row["training_seconds"]),
                "size": f"{row['size_mb']:.1f} MB",
            }
        )
    return rows


def _p_value(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "&lt;0.001" if p_value < 0.001 else f"{p_value:.3f}"


def setting_rows(config: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"`{name}`", "value": escape(_setting(value))} for name, value in config.items()]


def _setting(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " x ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
