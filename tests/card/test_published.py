import ast
import json
import re

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocls.card.facts import CardFacts
from audiocls.card.model_card import model_card
from audiocls.card.proved import badge, with_badge
from audiocls.card.published import kept_sections, published_card, published_eval_results, renamed
from audiocls.card.sections import TITLES, joined, parse_body
from audiocls.errors import ModelError
from tests.card.test_model_card import HOSTILE, LABELS, facts_for, honest_facts, metrics_for, rendered

LOCAL = str(model_card(honest_facts(LABELS)))
SMALL = str(model_card(CardFacts("x", LABELS, {"train": [1, 2]}, 16000, 1.0)))
FULL = {"space_id": "me/my-sounds", "dataset_id": "me/data", "examples": [("dog", "examples/dog.flac")]}
OURS = ("Use it", "Scores", "Limits", "Training data", "Training", "Licence")


def publish(local: str = LOCAL, remote: str | None = None, **changes) -> str:
    return published_card(local, repo_id="me/my-sounds", remote=remote, **changes)


def headings(card: str) -> list[str]:
    return [section.title for section in parse_body(card).sections]


def programs(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)\n```\n", card, re.DOTALL)


def test_the_hub_reads_the_metadata_of_a_published_card():
    card = ModelCard(publish(license="CC-BY-4.0", **FULL))
    data = card.data.to_dict()
    assert (data["pipeline_tag"], data["library_name"]) == ("audio-classification", "transformers")
    assert (data["license"], data["datasets"]) == ("cc-by-4.0", ["me/data"])
    assert set(data["tags"]) >= {"audio", "audiocls"}
    assert data["metrics"][0] == "accuracy"
    assert card.data.model_name == "my-sounds"
    assert {(result.dataset_type, result.dataset_split) for result in card.data.eval_results} == {("me/data", "test")}
    clip = "https://huggingface.co/me/my-sounds/resolve/main/examples/dog.flac"
    assert data["widget"] == [{"src": clip, "example_title": "dog"}]
    page = rendered(card)
    assert 'href="https://huggingface.co/spaces/me/my-sounds"' in page
    assert page.count('href="https://huggingface.co/datasets/me/data"') == 2
    assert "<p>cc-by-4.0.</p>" in page


def test_every_program_of_a_published_card_loads_the_model_by_its_id():
    found = programs(publish())
    assert len(found) == 3
    for program in found:
        constants = [node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
        assert "me/my-sounds" in constants
        assert "my sounds" not in constants
    assert "pip install torch torchaudio transformers" in publish()
    assert "user/name@revision" in publish()


def test_the_title_is_the_name_on_the_hub_unless_somebody_chose_one():
    assert "\n# my-sounds\n" in publish()
    assert "\n# Birds of mine\n" in publish(LOCAL.replace("\n# my sounds\n", "\n# Birds of mine\n"))
    edited = publish().replace("\n# my-sounds\n", "\n# Birds 🐦\n")
    assert publish(remote=edited) == edited


@pytest.mark.parametrize("base_model", [None, "openai/whisper-tiny"])
def test_a_model_made_of_another_one_names_it(base_model):
    data = ModelCard(publish(str(model_card(facts_for(LABELS, base_model=base_model))))).data
    assert data.base_model == base_model


def test_publishing_again_changes_nothing():
    once = publish(**FULL)
    assert publish(once, **FULL) == once
    assert publish(remote=once, **FULL) == once
    assert publish(remote=once, examples=FULL["examples"]) == once, "the Space and the data set are still there"


def test_what_people_wrote_on_the_hub_stays_where_it_is():
    edited = (
        publish(**FULL)
        .replace("tags:\n", "language: en  # of the speech\nco2_eq_emissions: {emissions: 3}\ntags:\n- bees\n")
        .replace("datasets:\n", "datasets:\n- other/data\n")
        .replace("\n# my-sounds\n", "\n**News:** see below.\n\n# my-sounds\n")
        .replace("## Scores\n", "## How I recorded it\n\nWith a *phone*.\n\n| a | b |\n|---|---|\n\n## Scores\n")
        .replace("<!-- audiocls: end of Limits -->\n", "<!-- audiocls: end of Limits -->\nAnd not for bats.\n")
    )
    edited += "\nThanks to my dog.\n"
    newer = LOCAL.replace("0.667", "0.789")
    again = publish(newer, remote=edited, **FULL)
    assert "0.789" in again
    assert "| accuracy | 0.667" not in again
    for kept in ("language: en  # of the speech", "{emissions: 3}", "- bees", "- other/data", "- me/data"):
        assert kept in again
    assert headings(again) == ["my-sounds", "Use it", "How I recorded it", *OURS[1:]]
    assert again.index("**News:**") < again.index("# my-sounds")
    assert "With a *phone*.\n\n| a | b |\n|---|---|\n" in again
    assert again.index("## Limits") < again.index("And not for bats.") < again.index("## Training data")
    assert again.index("## Licence") < again.index("Thanks to my dog.")
    assert publish(newer, remote=again, **FULL) == again
    assert kept_sections(newer, edited) == [
        "the text above the title",
        "How I recorded it",
        "the text below Limits",
        "the text below Licence",
    ]
    assert kept_sections(LOCAL, publish()) == kept_sections(LOCAL, None) == []


def test_a_card_that_somebody_else_wrote_gets_our_sections_below_theirs():
    theirs = "---\nlicense: mit\nlanguage: de\n---\nHello 🐶.\n\n## About us\n\nText.\n"
    card = publish(remote=theirs)
    assert "license: mit" in card
    assert "\nmit.\n" in card
    assert set(headings(card)) == {"my-sounds", "About us", *OURS}
    assert publish(remote=card) == card


def test_a_licence_chosen_or_written_on_the_hub_stays_where_we_know_none():
    edited = publish().replace("license: unknown", "license: mit")
    card = publish(remote=edited)
    assert ModelCard(card).data.license == "mit"
    assert "## Licence\n\nmit.\n" in card
    told = card.replace("## Licence\n\nmit.\n", "## Licence\n\nAsk my *dog* first.\n")
    assert "Ask my *dog* first." in publish(remote=told)
    known = publish(remote=told, license="cc0-1.0")
    assert ModelCard(known).data.license == "cc0-1.0"
    assert publish(remote=publish(license="apache-2.0")).count("apache-2.0") == 2, "chosen at an earlier push"


def test_text_of_the_folder_goes_along_and_the_later_edit_counts():
    local = LOCAL.replace("## Limits\n", "## Notes\n\nfrom here\n\n## Limits\n")
    first = publish(local)
    assert headings(first) == ["my-sounds", "Use it", "Scores", "Notes", *OURS[2:]]
    there = first.replace("from here", "from there")
    assert "from there" in publish(local, remote=there), "edited on the Hub only"
    newer = local.replace("from here", "newer here")
    assert "newer here" in publish(newer, remote=first), "edited here only"
    assert "from there" in publish(newer, remote=there), "edited on both sides"
    without = first.replace("## Notes\n\nfrom here\n\n", "")
    assert "Notes" not in headings(publish(local, remote=without)), "taken away on the Hub"
    assert "from here" in publish(LOCAL, remote=first), "a new model whose card has no such section"


def test_what_a_push_wrote_and_is_no_longer_true_goes_away():
    probe = model_card(facts_for(LABELS, base_model="openai/whisper-tiny", dataset_id="someone/urban"))
    first = publish(str(probe), examples=[("dog", "examples/dog.flac"), ("rain", "examples/rain.flac")])
    edited = first.replace("widget:\n", "widget:\n- src: https://example.org/a.wav\n  example_title: mine\n")
    other = publish(str(model_card(facts_for(LABELS, dataset_name="new"))), remote=edited, examples=FULL["examples"])
    data = ModelCard(other).data
    assert data.base_model is None
    assert data.datasets is None
    assert {result.dataset_name for result in data.eval_results} == {"new"}
    assert [entry["example_title"] for entry in data.to_dict()["widget"]] == ["dog", "mine"]
    without = publish(str(model_card(facts_for(LABELS, test_metrics=None))), remote=other)
    assert ModelCard(without).data.eval_results is None
    assert [entry["example_title"] for entry in ModelCard(without).data.to_dict()["widget"]] == ["mine"]


def test_a_data_set_that_was_published_is_not_named_for_other_data():
    first = publish(dataset_id="me/data")
    assert "me/data" in publish(remote=first)
    assert "me/data" not in publish(str(model_card(facts_for(LABELS, dataset_name="others"))), remote=first)


def test_scores_that_others_measured_stay():
    card = ModelCard(publish())
    index = card.data.to_dict()["model-index"]
    theirs = {
        "task": {"type": "audio-classification"},
        "dataset": {"type": "other/data", "name": "Other"},
        "metrics": [{"type": "accuracy", "value": 0.5, "name": "Theirs"}],
        "source": {"url": "https://example.org", "name": "a paper"},
    }
    index[0]["results"][0]["metrics"].append({"type": "roc_auc", "value": 0.9, "name": "AUC"})
    index[0]["results"].append(theirs)
    index.append({"name": "another model", "results": [theirs]})
    front = yaml.safe_dump(yaml.safe_load(publish().split("---\n")[1]) | {"model-index": index})
    again = publish(LOCAL.replace("0.6667", "0.75"), remote=f"---\n{front}---\n" + publish().split("---\n", 2)[2])
    found = yaml.safe_load(again.split("---\n")[1])["model-index"]
    assert [model["name"] for model in found] == ["my-sounds", "another model"]
    assert found[0]["results"][1] == theirs
    values = {metric["name"]: metric["value"] for metric in found[0]["results"][0]["metrics"]}
    assert values["AUC"] == 0.9
    assert values["Accuracy"] == 0.75


def test_renamed_headings_and_cards_of_older_versions_are_recognised():
    older = "\n".join(line for line in LOCAL.split("\n") if not line.startswith("<!--"))
    assert headings(publish(older)) == ["my-sounds", *OURS]
    assert headings(publish(remote=older)) == ["my sounds", *OURS], "a title that was there first is somebody's choice"
    renamed = publish().replace("## Scores\n", "## Results\n")
    assert headings(publish(remote=renamed)) == ["my-sounds", *OURS]
    assert tuple(OURS) == tuple(TITLES)


@pytest.mark.parametrize("opened", ["```python\nx = 1", "~~~", "<!-- to do", "<pre>", "<?x", "<script>"])
def test_a_block_that_was_left_open_swallows_no_section(opened):
    edited = publish().replace("## Scores\n", f"## Mine\n\n{opened}\n\n## Scores\n")
    card = publish(remote=edited)
    assert headings(card) == ["my-sounds", "Use it", "Mine", *OURS[1:]]
    assert opened in card
    assert publish(remote=card) == card
    assert "<h2>Scores</h2>" in rendered(ModelCard(card))


def test_headings_in_code_are_no_headings():
    edited = publish().replace("## Scores\n", "## Mine\n\n```md\n## Limits\n# x\n```\n\n## Scores\n")
    assert publish(remote=edited) == edited


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_and_byte_order_marks_of_editors_change_nothing(ends):
    card = publish()
    assert publish(remote="\ufeff" + card.replace("\n", ends)) == card
    assert publish("\ufeff" + LOCAL.replace("\n", ends)) == card


def test_cards_without_metadata_or_text_are_cards():
    body = LOCAL.split("---\n", 2)[2]
    assert publish(body).startswith("---\n")
    assert publish(remote=body) == publish(remote=publish(remote=body))
    assert headings(publish(remote="")) == headings(publish(remote="---\n---\n")) == ["my-sounds", *OURS]
    assert publish("") == publish("", remote=publish(""))


@pytest.mark.parametrize(
    ("metadata", "line", "reason"),
    [
        ("tags: [a\nlicense: mit", 3, "expected"),
        ("license: mit\ntags:\n\t- x", 4, "cannot start any token"),
        ("license: mit\nlicense: gpl", 3, "license is there twice"),
        ("- a\n- b", 2, "keys with values"),
        ("1: a", 2, "not a word"),
        ("a: \x07", 2, "special characters"),
        ("when: 2024-13-45", 2, "month"),
        ("a: *b", 2, "undefined alias"),
    ],
)
def test_broken_metadata_is_one_line_with_its_place(metadata, line, reason):
    broken = f"---\n{metadata}\n---\n# x\n"
    for arguments, name in (((broken, None), "the model folder"), ((LOCAL, broken), "on the Hub")):
        with pytest.raises(ModelError, match=reason) as caught:
            publish(*arguments)
        text = str(caught.value)
        assert name in text
        assert f"line {line}:" in text
        assert "\n" not in text


def test_a_huge_card_is_published():
    section = "## Section {}\n\n" + "word 🐝 " * 100 + "\n\n"
    edited = publish() + "\n" + "".join(section.format(number) for number in range(1000))
    card = publish(remote=edited)
    assert len(headings(card)) == 1007
    assert publish(remote=card) == card


def test_a_passed_proof_stands_below_the_title():
    card = publish(**FULL)
    assert badge(card) is None
    assert badge(None) is None
    proved = with_badge(card, "Proved: loaded back, 5 clips, difference 1e-07 (**today**).")
    assert badge(proved) == "Proved: loaded back, 5 clips, difference 1e-07 (**today**)."
    page = rendered(ModelCard(proved))
    assert re.search(r"<h1>my-sounds</h1>\n<blockquote>\n<p>✓ Proved: loaded back", page)
    assert with_badge(proved, "") == card
    assert badge(with_badge(proved, "newer")) == "newer"
    assert with_badge(proved, "newer").count("✓") == 1
    assert publish(remote=proved, **FULL) == card, "an old proof says nothing of a new model"
    assert publish(remote=proved, proved=badge(proved), **FULL) == proved
    assert badge(with_badge(card, "a --> \n## b")) == "a ## b"


def test_a_card_without_title_can_be_badged():
    assert with_badge("", "fine").strip() == "> ✓ fine <!-- audiocls: proof -->"
    assert badge(with_badge("---\nlicense: mit\n---\ntext\n", "fine")) == "fine"


def test_a_copy_of_the_model_under_another_name_has_a_card_that_loads_it():
    card = renamed(with_badge(publish(), "proved"), 'copy of "it"')
    assert '\n# copy of "it"\n' in card
    assert badge(card) is None
    for program in programs(card):
        constants = [node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
        assert 'copy of "it"' in constants
    assert renamed("# Mine\n\nText\n", "x") == "# Mine\n\nText\n"
    odd = LOCAL.replace('model="my sounds"', 'model="\\x"')
    assert 'model="me/my-sounds"' in publish(odd)


def test_hostile_labels_are_shown_and_quoted():
    labels = [*HOSTILE, "../../etc/passwd", "a b/é?#%.flac"]
    local = str(model_card(facts_for(labels, test_metrics=metrics_for(labels), validation_metrics=None)))
    examples = [(label, f"examples/{number} é?#%.flac") for number, label in enumerate(labels)]
    text = publish(local, examples=examples)
    card = ModelCard(text)
    widget = card.data.to_dict()["widget"]
    assert [entry["example_title"] for entry in widget] == [" ".join(label.split()) for label in labels]
    assert widget[1]["src"].endswith("/me/my-sounds/resolve/main/examples/1%20%C3%A9%3F%23%25.flac")
    assert "<script" not in rendered(card)
    assert publish(local, remote=text, examples=examples) == text


def test_scores_on_a_published_data_set_are_written_for_its_leaderboard(tmp_path):
    assert published_eval_results(tmp_path, "me/data") == {}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics_for(LABELS)))
    ((path, text),) = published_eval_results(tmp_path, "me/Data_1").items()
    assert path == ".eval_results/me-data_1.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(text))
    assert (entry.dataset_id, entry.value) == ("me/Data_1", pytest.approx(8 / 12, abs=1e-4))
    ((_, text),) = published_eval_results(tmp_path, f"me/data@{'a' * 40}").items()
    assert parse_eval_result_entries(yaml.safe_load(text))[0].dataset_revision == "a" * 40
    (tmp_path / "metrics.json").write_text(json.dumps(metrics_for(LABELS, "validation")))
    assert published_eval_results(tmp_path, "me/data") == {}
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(ModelError, match=r"metrics\.json"):
        published_eval_results(tmp_path, "me/data")


LINES = st.sampled_from(
    [
        "## Notes",
        "## Scores",
        "## Limits",
        "# Title",
        "# my-sounds",
        "### Sub",
        "text",
        "Setext",
        "===",
        "---",
        "```",
        "```python",
        "~~~",
        "> quote",
        "- item",
        "    code",
        "  - nested",
        "",
        "   ",
        "<div>",
        "</div>",
        "<!--",
        "-->",
        "<pre>",
        "<!X",
        "<![CDATA[",
        "| a | b |",
        "|---|---|",
        "[x]: http://y",
        "<!-- audiocls: end of Scores -->",
        "<!-- audiocls: end of introduction -->",
        "<!-- audiocls: pushed 00000000 -->",
        "> ✓ mine <!-- audiocls: proof -->",
        "a <!-- audiocls: links -->",
        "**Size.** a: 3 clips for x",
        "1. one",
        "\\",
        "🐝\u2028\x0b",
    ]
)
TEXTS = st.lists(LINES | st.text(max_size=12), max_size=12).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), TEXTS), max_size=4), st.booleans(), st.booleans())
def test_whatever_is_written_into_a_card_publishing_it_twice_changes_nothing(edits, here, full):
    arguments = FULL if full else {}
    lines = (SMALL if here else publish(SMALL, **arguments)).split("\n")
    start = lines.index("---", 1) + 1
    for place, text in edits:
        lines.insert(start + place % (len(lines) - start + 1), text)
    edited = "\n".join(lines)
    local, remote = (edited, None) if here else (SMALL, edited)
    once = publish(local, remote=remote, **arguments)
    assert publish(local, remote=once, **arguments) == once
    again = publish(once, **arguments)
    assert publish(again, **arguments) == again
    assert joined(parse_body(again.split("---\n", 2)[2])) == again.split("---\n", 2)[2].lstrip("\n")
    if not here:
        assert {section.ours for section in parse_body(once).sections} >= set(OURS)
