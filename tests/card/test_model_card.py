import ast
import html
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from markdown_it import MarkdownIt

import audiocls.card.model_card
from audiocls.card.facts import CardFacts
from audiocls.card.model_card import model_card, write_model_card
from audiocls.card.text import one_line
from audiocls.evaluation.evaluation import evaluate_scores

LABELS = ["dog", "rain"]
HOSTILE = ["<script>alert(1)</script>", 'a|b "c"', "two\nlines\n---\n", "`x` *y* {{ z }}", "- 🐶: #1"]


def metrics_for(labels: list[str], split: str = "test", multi_label: bool = False) -> dict:
    """Six clips a label, the last of each taken for the next label; clips in groups of two."""
    targets = np.repeat(np.arange(len(labels)), 6)
    given = np.where(np.arange(len(targets)) % 6 >= 4, (targets + 1) % len(labels), targets)
    rows = np.eye(len(labels))
    files = [f"{k}.wav" for k in range(len(targets))]
    groups = [str(k // 2) for k in range(len(targets))]
    wanted = rows[targets] if multi_label else targets
    return evaluate_scores(files, wanted, rows[given], labels, groups, split, multi_label).metrics


def leak_found(**changes) -> dict:
    found = {"groups": "the metadata", "meaning": None, "regex": None, "num_groups": 9, "clips": 80, "test_shared": 0.0}
    found |= {"model": "a random forest on MFCC", "folds": 5}
    found["random"] = {"accuracy": 0.98, "interval": [0.97, 0.99]}
    found["grouped"] = {"accuracy": 0.77, "interval": [0.7, 0.83]}
    return found | {"gap": {"accuracy": -0.21, "interval": [-0.28, -0.14]}} | changes


def honest_facts(labels: list[str], multi_label: bool = False) -> CardFacts:
    """Everything that the card can tell of how far to trust a model."""
    metrics = metrics_for(labels, multi_label=multi_label)
    metrics["calibration"] |= {"ece": 0.04, "interval": [0.03, 0.07], "ece_before": 0.12, "interval_before": [0.1, 0.2]}
    metrics["rejection"] = {"accepted": 0.93, "interval": [0.88, 0.97], "negatives": None}
    fitted_on = "5 grouped folds of the training part"
    return facts_for(
        labels,
        multi_label=multi_label,
        test_metrics=metrics,
        calibration={"temperature": None if multi_label else 1.5, "fitted_on": fitted_on, "clips": 209},
        rejection={"acceptance": 0.95, "fitted_on": fitted_on},
        thresholds=dict.fromkeys(labels, 0.25) if multi_label or len(labels) == 2 else None,
        leak_report=leak_found(),
        reliability_picture="reliability.png",
    )


def facts_for(labels: list[str], **changes) -> CardFacts:
    values = {
        "name": "my sounds",
        "labels": labels,
        "label_counts": {"train": [30] * len(labels), "validation": [5] * len(labels), "test": [6] * len(labels)},
        "sampling_rate": 16000,
        "clip_seconds": 3.0,
        "test_metrics": metrics_for(labels),
        "validation_metrics": metrics_for(labels, "validation"),
        "part_seconds": {"train": 300.0, "validation": 50.0, "test": 60.0},
        "split_note": "The data has its own parts.",
        "skipped": 3,
        "warnings": ["dog/1.wav is there twice"],
        "attribution": "Licences: CC0-1.0 (12).",
        "config": {"learning_rate": 0.002, "image_size": (128, 64), "group_regex": None, "spec_augment": True},
        "num_parameters": 1_234_567,
        "weights_bytes": 4_938_268,
        "training_seconds": 48.3,
        "num_epochs": 40,
        "best_epoch": 33,
    }
    return CardFacts(**(values | changes))


def rendered(card: ModelCard) -> str:
    return MarkdownIt("commonmark").enable("table").render(card.text)


def tables(page: str) -> list[list[list[str]]]:
    """Every table as rows of cell texts."""
    found = []
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        found.append([[html.unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows])
    return found


def test_the_written_card_has_metadata_that_the_hub_reads(tmp_path):
    write_model_card(facts_for(LABELS, license="CC-BY-4.0", base_model="openai/whisper-tiny"), tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    data = card.data.to_dict()
    assert (data["library_name"], data["pipeline_tag"]) == ("transformers", "audio-classification")
    assert (data["license"], data["base_model"]) == ("cc-by-4.0", "openai/whisper-tiny")
    assert data["model-index"][0]["name"] == "my sounds"
    scores = {result.metric_name: result for result in card.data.eval_results}
    assert scores["Accuracy"].metric_value == pytest.approx(8 / 12, abs=1e-4)
    assert (scores["Macro F1"].metric_type, scores["Macro F1"].metric_args) == ("f1", {"average": "macro"})
    assert {result.dataset_split for result in scores.values()} == {"test"}


def test_scores_stand_with_their_split_size_and_interval():
    facts = facts_for(LABELS)
    page = rendered(model_card(facts))
    assert "<strong>test</strong> split: 12 clips in 6 groups" in page
    counts, scores, classes, *_ = tables(page)
    low, high = facts.test_metrics["intervals"]["accuracy"]
    assert scores[1] == ["accuracy", "0.667", f"{low:.3f}\u00a0to\u00a0{high:.3f}"]
    assert counts == [["label", "train", "validation", "test"], ["dog", "30", "5", "6"], ["rain", "30", "5", "6"]]
    intervals = facts.test_metrics["per_class"]["dog"]["intervals"]
    told = [f"0.667\u00a0({low:.2f}\u00a0to\u00a0{high:.2f})" for low, high in intervals.values()]
    assert classes[1] == ["dog", *told, "6"]
    assert "dog taken for rain: 2 of 6" in page
    assert 'src="confusion_matrix.png"' in page
    assert 'src="curves.png"' in page


def test_every_table_of_the_card_is_one():
    for multi_label in (False, True):
        metrics = metrics_for(LABELS, multi_label=multi_label)
        page = rendered(model_card(facts_for(LABELS, multi_label=multi_label, test_metrics=metrics)))
        found = tables(page)
        assert len(found) == 5
        assert all(len(row) == len(table[0]) for table in found for row in table)
        assert "|" not in re.sub(r"<[^>]+>", "", page)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_card_that_tells_all_has_its_tables_programs_and_no_gaps(multi_label):
    for labels in (LABELS, [*LABELS, *HOSTILE]):
        card = model_card(honest_facts(labels, multi_label))
        page = rendered(card)
        found = tables(page)
        assert len(found) == (6 if multi_label else 5)
        assert all(len(row) == len(table[0]) for table in found for row in table)
        assert "\n\n\n" not in card.text
        assert "<script" not in page
        for program in re.findall(r"```python\n(.*?)\n```\n", card.text, re.DOTALL):
            ast.parse(program)
        assert 'src="reliability.png"' in page
        titles = ["None of these", "Does a random split flatter?", "Are the scores probabilities?"]
        assert all(f"<h3>{title}</h3>" in page for title in titles)


def test_the_calibration_is_told_with_what_it_was_before_and_where_it_was_fitted():
    text = model_card(honest_facts(["a", "b", "c"])).text
    assert "**0.040 (0.030 to 0.070)** apart" in text
    assert "before calibration 0.120 (0.100 to 0.200)" in text
    assert "a temperature of 1.50, which makes them less sure; the best label stays the best" in text
    assert "209 clips: 5 grouped folds of the training part" in text
    assert "they were not calibrated" in model_card(facts_for(LABELS)).text


def test_the_text_on_unknown_sounds_says_what_was_measured():
    facts = honest_facts(["a", "b", "c"])
    text = model_card(facts).text
    assert "95% of known clips pass" in text
    assert "0.930 (0.880 to 0.970) pass as known" in text
    assert "the data has none" in text
    assert "`is_known`" in text
    facts.test_metrics["rejection"]["negatives"] = {"size": 60, "accepted": 0.2, "interval": [0.1, 0.3]}
    facts.custom_code = False  # a transformers model, whose outputs hold no verdict
    text = model_card(facts).text
    assert "Of 60 clips of other sounds, 0.200 (0.100 to 0.300) pass though they should not" in text
    assert "`is_known`" not in text
    assert "None of these" not in model_card(facts_for(LABELS)).text


def test_thresholds_are_told_where_they_change_the_answer():
    text = model_card(honest_facts(LABELS)).text
    assert "The answer is rain where its score lies above 0.250, and else dog" in text
    likelier = facts_for(LABELS, thresholds={"dog": 0.5, "rain": 0.5})
    assert "decision_thresholds" not in model_card(likelier).text
    page = rendered(model_card(honest_facts(LABELS, multi_label=True)))
    assert ["rain", "0.250"] in tables(page)[1]


def test_few_groups_make_the_intervals_doubtful():
    assert "only 6 groups: the intervals are rough" in model_card(facts_for(LABELS)).text
    metrics = {**metrics_for(LABELS), "interval_units": 12}
    assert "intervals are rough" not in model_card(facts_for(LABELS, test_metrics=metrics)).text


def test_names_show_as_they_are_and_nothing_in_them_is_obeyed(tmp_path):
    facts = facts_for(
        HOSTILE,
        name=HOSTILE[2] + HOSTILE[0],
        dataset_name=HOSTILE[1],
        warnings=HOSTILE,
        attribution=" ".join(HOSTILE),
        split_note=HOSTILE[3],
        test_metrics=metrics_for(HOSTILE),
        validation_metrics=None,
    )
    write_model_card(facts, tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.model_name == one_line(facts.name)
    assert card.data.eval_results[0].dataset_name == HOSTILE[1]
    page = rendered(card)
    assert "<script" not in page
    counts, _, classes, *_ = tables(page)
    for table in (counts, classes):
        assert [row[0] for row in table[1:]] == [one_line(label) for label in HOSTILE]


def test_the_code_in_the_card_is_valid_python_even_with_a_strange_name():
    for name in ("my sounds", 'we\'ird "name" \\ {x}', "a\n```\nb"):
        code = re.findall(r"```python\n(.*?)\n```\n", model_card(facts_for(LABELS, name=name)).text, re.DOTALL)
        assert len(code) == 2
        for program in code:
            constants = [node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
            assert one_line(name) in constants


def test_only_models_with_their_own_code_ask_for_trust():
    assert "trust_remote_code=True" in model_card(facts_for(LABELS)).text
    text = model_card(facts_for(LABELS, custom_code=False)).text
    assert "trust_remote_code" not in text
    assert "sees only the first one" in text


def test_a_small_test_part_is_called_small():
    assert "split is small (12 clips, the rarest label has 6)" in model_card(facts_for(LABELS)).text
    large = {**metrics_for(LABELS), "size": 5000}
    for row in large["per_class"].values():
        row["support"] = 2500
    assert "split is small" not in model_card(facts_for(LABELS, test_metrics=large)).text


def test_rarely_trained_labels_are_named():
    text = model_card(facts_for(LABELS, label_counts={"train": [300, 4]})).text
    assert "Fewer than 15 training clips: rain." in text


def test_a_model_without_a_test_part_claims_nothing():
    text = model_card(facts_for(LABELS, test_metrics=None))
    assert "played no role in training" in text.text
    assert text.data.eval_results is None
    assert "confusion_matrix.png" not in text.text
    text = model_card(facts_for(LABELS, test_metrics=None, validation_metrics=None)).text
    assert "Not measured" in text


def test_few_facts_make_a_card_without_gaps(tmp_path):
    write_model_card(CardFacts("x", LABELS, {"train": [1, 2]}, 16000, 1.0, curves=None), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert ModelCard.load(tmp_path / "README.md").data.license == "unknown"
    assert "None" not in text
    assert "\n\n\n" not in text.split("\n---\n", 1)[1]
    assert not (tmp_path / ".eval_results").exists()


def test_results_on_a_data_set_of_the_hub_are_written_in_the_newer_form_too(tmp_path):
    facts = facts_for(LABELS, dataset_id="someone/Urban_Sounds")
    write_model_card(facts, tmp_path)
    (path,) = (tmp_path / ".eval_results").iterdir()
    (entry,) = parse_eval_result_entries(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert path.suffix == ".yaml"
    assert (entry.dataset_id, entry.value) == ("someone/Urban_Sounds", pytest.approx(8 / 12, abs=1e-4))
    assert "test split, 12 clips in 6 groups" in entry.notes
    assert ModelCard.load(tmp_path / "README.md").data.datasets == ["someone/Urban_Sounds"]


def test_the_package_brings_the_template_that_lies_at_the_top():
    at_top = Path(audiocls.__file__).parents[1] / "model_card.md"
    assert audiocls.card.model_card.TEMPLATE.read_bytes() == at_top.read_bytes()


def test_what_the_model_was_chosen_from_is_told():
    best = {
        "model": "probe:whisper-tiny.en",
        "balanced_accuracy": 0.95,
        "balanced_accuracy_low": 0.9,
        "balanced_accuracy_high": 0.98,
        "difference_to_best": None,
        "difference_low": None,
        "difference_high": None,
        "training_seconds": 6.0,
        "size_mb": 33.0,
        "note": "",
    }
    worse = best | {"model": "cnn", "difference_to_best": -0.08, "difference_low": -0.12, "difference_high": -0.02}
    worse["p_holm"] = 0.012
    untried = dict.fromkeys(best) | {"model": "finetune", "note": "not tried: would take 9 min | more"}
    rows = [best, worse, untried]
    card = model_card(facts_for(LABELS, leaderboard=rows, leaderboard_picture="leaderboard.png", method="A *probe*."))
    table = [line for line in card.text.splitlines() if line.startswith("| ") and " (0.900 to 0.980)" in line]
    assert len(table) == 2
    assert "-0.080 (-0.120 to -0.020) | 0.012 |" in table[1]
    html_text = MarkdownIt("commonmark").enable("table").render(card.text)
    assert "not tried: would take 9 min | more" in html_text
    assert "A *probe*." in html_text
    assert 'src="leaderboard.png"' in html_text
    assert "leaderboard" not in model_card(facts_for(LABELS)).text
