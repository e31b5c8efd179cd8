"""What the app says of a model."""

import pytest

from audiocls.ui.card import card_text, escaped, score_line

SCORES = {"split": "test", "size": 70, "accuracy": 0.9, "intervals": {"accuracy": [0.812, 0.95]}}


def test_the_score_comes_with_interval_size_and_split():
    assert (
        score_line(SCORES) == "Test score: **90.0% accuracy** (95% interval 81.2% to 95.0%) on 70 clips (test split)."
    )
    assert "interval" not in score_line({**SCORES, "intervals": {}})


@pytest.mark.parametrize("metrics", [None, {}, {"accuracy": None}, {"accuracy": "high"}])
def test_a_model_without_scores_says_so(metrics):
    assert score_line(metrics) == "No test scores come with this model."


def test_the_card_loses_its_front_matter_and_its_images():
    card = "---\nlicense: mit\n---\n# Name\n\n![a](b.png)\n<IMG src='http://x/y'>text --- more\n---\nend"
    assert card_text(card) == "# Name\n\n\ntext --- more\n---\nend"
    assert card_text("# Only text\n---\nhere") == "# Only text\n---\nhere"
    assert card_text(None) == card_text("") == "This model has no card."


def test_a_name_is_not_taken_for_markdown():
    assert escaped("my_model*v2* <b>") == r"my\_model\*v2\* \<b\>"


def test_a_card_cannot_ask_a_visitor_for_anything():
    card = '# a\n\n<FORM action="https://example.com"><input name="token"> words <button>go</button></form>'
    assert card_text(card) == "# a\n\n words go"
