"""The words of a model card, and of the terminal, for how far a model can be trusted: calibration, thresholds, unknown
sounds and leaks. What is made for the card is safe to put into Markdown.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from audiocls.card.facts import CardFacts
from audiocls.card.text import counted, escape
from audiocls.evaluation.metrics import THRESHOLD

NEAR_ONE = 0.03  # a temperature as close to 1 as this changes no score that anybody would notice


def calibration_text(facts: CardFacts) -> list[str]:
    """Paragraphs on whether the scores are probabilities; empty where nothing is known of it."""
    metrics = facts.test_metrics  # validation scores may be those that were fitted
    report = metrics.get("calibration") if metrics else None
    told = []
    if metrics and report:
        what = (
            "A label with a score of 0.8 should apply"
            if facts.multi_label
            else "An answer with a score of 0.8 should be right"
        )
        sentence = (
            f"{what} in 8 of 10 cases. On the {escape(metrics['split'])} split, scores and facts lie "
            f"**{with_interval(report['ece'], report['interval'])}** apart on average (expected calibration error, "
            "bins of equally many answers)"
        )
        if "ece_before" in report:
            before = with_interval(report["ece_before"], report["interval_before"])
            sentence += f"; before calibration {before}"
        told.append(f"{sentence}. Perfect scores would show {report['chance']:.3f} on so few clips, by chance.")
    if facts.calibration:
        told.append(_how_calibrated(facts, facts.calibration))
    elif told:
        told.append("The scores are as training left them: they were not calibrated.")
    return told


def _how_calibrated(facts: CardFacts, calibration: Mapping[str, Any]) -> str:
    temperature = calibration.get("temperature")
    if temperature is None:
        how = "by a scale and a bias of each label's logit"
    elif abs(temperature - 1) < NEAR_ONE:
        how = f"by a temperature of {temperature:.2f}, which changes next to nothing"
    else:
        effect = "less sure" if temperature > 1 else "surer"
        how = f"by a temperature of {temperature:.2f}, which makes them {effect}; the best label stays the best"
    clips = counted(calibration["clips"], "clip")
    return (
        f"The scores were calibrated {how}, fitted on clips that had not been learnt ({clips}: "
        f"{escape(calibration['fitted_on'])}). That is part of the saved model, so the scores of `pipeline` are the "
        "calibrated ones."
    )


def reliability_caption(facts: CardFacts) -> str:
    """What the reliability diagram shows."""
    what = "how often a label applied" if facts.multi_label else "how often the answer was right"
    return f"How sure the model was, and {what}"


def threshold_rows(facts: CardFacts) -> list[dict[str, str]]:
    """From which score on a label is the answer; empty where the best score decides."""
    thresholds = facts.thresholds or {}
    return [{"label": escape(label), "threshold": f"{value:.3f}"} for label, value in thresholds.items()]


def threshold_note(facts: CardFacts) -> str:
    """How to decide by the thresholds; empty where there are none."""
    thresholds = facts.thresholds
    if not thresholds:
        return ""
    if facts.multi_label:
        return (
            "A label counts as given above its own threshold, chosen on clips that were not learnt; they are in "
            "`config.decision_thresholds`, and `audiocls` goes by them:"
        )
    second = facts.labels[1]
    value = thresholds[second]
    if value == THRESHOLD:
        return ""  # the likelier one, which is what everybody expects
    return (
        f"The answer is {escape(second)} where its score lies above {value:.3f}, and else {escape(facts.labels[0])}: "
        "with this threshold, chosen on clips that were not learnt, the mean recall of both is best. It is in "
        "`config.decision_thresholds`, and `audiocls` goes by it; `pipeline` only gives the scores."
    )


def rejection_text(facts: CardFacts) -> list[str]:
    """Paragraphs on how the model tells what is none of its classes; empty where it cannot."""
    rejection = facts.rejection
    if not rejection:
        return []
    sentence = (
        "The model also judges, by its own features, whether a sound resembles the clips it learnt. What does not, and "
        "silence, is none of these."
    )
    if "acceptance" in rejection and "fitted_on" in rejection:
        sentence += (
            f" The limit is set so that {rejection['acceptance']:.0%} of known clips pass "
            f"(on {escape(rejection['fitted_on'])})."
        )
    told = [sentence]
    measured = (facts.test_metrics or {}).get("rejection")
    if measured:
        accepted = with_interval(measured["accepted"], measured["interval"])
        sentence = f"Of the clips of the {escape((facts.test_metrics or {})['split'])} split, {accepted} pass as known."
        negatives = measured.get("negatives")
        if negatives:
            wrongly = with_interval(negatives["accepted"], negatives["interval"])
            clips = counted(negatives["size"], "clip")
            sentence += f" Of {clips} of other sounds, {wrongly} pass though they should not."
        else:
            sentence += (
                " How many unknown sounds pass was not measured, as the data has none; what resembles a class will."
            )
        told.append(sentence)
    outputs = "; the verdict is in the model's outputs, `is_known` and `known_score`" if facts.custom_code else ""
    told.append(f"`pipeline` gives the plain classes for every sound{outputs}. `audiocls` says it:")
    return told


def denoising_text(facts: CardFacts) -> list[str]:
    """Who reduces noise before the model hears a sound; empty where nobody does."""
    method = facts.config.get("denoise", "no")
    if method == "no":
        return []
    told = f"It was trained on sound whose noise had been reduced (spectral gating, {escape(method)})"
    if facts.custom_code:
        return [f"{told}, and does that itself with what it is given."]
    return [f"{told}. `audiocls` does that before the model hears a sound; `pipeline` does not, so its scores differ."]


def detection_text(facts: CardFacts) -> list[str]:
    """How it was fitted to long recordings; empty for a model that was not."""
    if not facts.detection:
        return []
    thresholds = facts.detection["thresholds"]
    low, high = min(thresholds.values()), max(thresholds.values())
    told = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f} by class"
    return [
        f"In long recordings `audiocls detect` hears an event from a score of {told} on, chosen on "
        f"{escape(facts.detection['fitted_on'])}: made recordings, which real ones may differ from."
    ]


def leak_sentences(report: Mapping[str, Any]) -> list[str]:
    """What a leak report says, in plain words without Markdown.

    Args:
        report: as `audiocls.comparison.leaks.leak_report` gives it.
    """
    noun = _noun(report)
    if "gap" not in report:
        return [
            f"Clips lie in {counted(report['num_groups'], 'group')} ({report['groups']}), but {report['note']}: what a "
            "model scores on groups it has not heard cannot be measured, and it may know the group rather than the "
            "class."
        ]
    grouped, random, gap = (report[name] for name in ("grouped", "random", "gap"))
    told = [
        f"Measured with {report['model']} in {report['folds']} folds of {counted(report['clips'], 'clip')} "
        f"({counted(report['num_groups'], 'group')}, {report['groups']}): with clips of one {noun} on both sides of a "
        f"split its accuracy is {with_interval(random['accuracy'], random['interval'])}, with every {noun} on one side "
        f"only {with_interval(grouped['accuracy'], grouped['interval'])}."
    ]
    low, high = gap["interval"]
    change = f"{gap['accuracy']:+.3f} ({low:+.3f} to {high:+.3f})"
    if high < 0:
        told.append(f"The difference, {change}, is what a random split flatters.")
    else:
        told.append(f"The difference, {change}, is within chance: here a random split would hardly flatter.")
    if report.get("note"):
        told.append(f"This is {report['note']}.")
    return told + _about_the_split(report, noun, high < 0)


def _about_the_split(report: Mapping[str, Any], noun: str, leaks: bool) -> list[str]:
    """Whether the test score of this very model is of the flattering kind."""
    shared, regex = report.get("test_shared"), report.get("regex")
    advice = f"--group_regex {shlex.quote(regex)} keeps them apart" if regex else ""
    if not shared:
        if shared is None or not leaks:
            return [f"{advice[:1].upper()}{advice[1:]}."] if advice and leaks else []
        return [f"The test part shares no {noun} with the training part, so its scores are of the honest kind."]
    told = f"{shared:.0%} of the test clips share a {noun} with training clips"
    if leaks:
        told += ", so the scores on the test part flatter, too"
    return [f"{told}{f'; {advice}' if advice else ''}."]


def _noun(report: Mapping[str, Any]) -> str:
    """What to call a group."""
    meaning = report.get("meaning")
    return meaning if meaning and " " not in meaning else "group"


def with_interval(value: float, interval: Sequence[float]) -> str:
    """A score with its interval."""
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"
