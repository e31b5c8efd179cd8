"""The error page holds everything within itself, shows names as they are, and says what is in the data."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from audiocls.evaluation.evaluation import evaluate_scores
from audiocls.mistakes.page import MOST_MISTAKES, write_error_page
from audiocls.mistakes.suspects import Suspect, Suspects
from tests.mistakes.conftest import answer
from tests.small_models import LABELS

UNKNOWN = "Wrong labels were not looked for."


class Page(HTMLParser):
    """What a browser makes of a page: its text, addresses and balanced tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.words, self.tags, self.ids = [], [], [], [], []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def write(folder, evaluation, clips, suspects=UNKNOWN, **options):
    write_error_page(folder, "a <b>model</b>", evaluation, clips, suspects, **options)
    page = Page((folder / "errors.html").read_text(encoding="utf-8"))
    assert not page.open
    return page


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_mistake_has_a_player_and_a_picture_within_the_page(evaluated, sounds, tmp_path):
    page = write(tmp_path, evaluated, sounds)
    assert page.tags.count("audio") == page.tags.count("article") == 3
    assert [address for address in page.addresses if not address.startswith(("data:", "#"))] == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert "67 of 70 clips are answered right: 95.7%" in page.text
    assert "3 mistakes, 1 of them made with a score above 0.9." in page.text
    assert "Most often animal is taken for drum: 2 of 10 clips of animal." in page.text
    assert "Said drum, but it is animal." in page.text
    assert "0.95" in page.text
    assert UNKNOWN in page.text
    assert not (tmp_path / "mislabelled.csv").exists()
    assert page.text.index(sounds.files[1]) < page.text.index(sounds.files[69]) < page.text.index(sounds.files[2])


def test_the_table_has_the_same_mistakes(evaluated, sounds, tmp_path):
    write(tmp_path, evaluated, sounds)
    rows = rows_of(tmp_path / "errors.csv")
    assert [row["file"] for row in rows] == [sounds.files[1], sounds.files[69], sounds.files[2]]
    assert rows[0]["true_label"] == "animal"
    assert rows[0]["predicted_label"] == "drum"
    assert float(rows[0]["confidence"]) == pytest.approx(0.95, abs=1e-5)
    assert float(rows[0]["seconds"]) == pytest.approx(sounds.lengths[1] / sounds.sampling_rate, abs=1e-3)


def test_names_are_shown_as_they_are(sounds, tmp_path):
    labels = ["<script>alert(1)</script>", 'a "quoted" & label', *LABELS[2:]]
    clips = sounds.subset(range(len(sounds)))
    clips.files = [f"{file}<img src=x onerror=alert(1)>\n\udcff" for file in sounds.files]
    clips.groups = [f"</td>{clip % 3}" for clip in range(len(sounds))]
    scores = answer(sounds.targets, {1: (1, 0.95)})
    evaluation = evaluate_scores(clips.files, clips.targets, scores, labels, clips.groups)
    page = write(tmp_path, evaluation, clips)
    assert page.tags.count("img") == 1
    assert "script" not in page.tags
    assert "Mistakes of a <b>model</b>" in page.text
    assert labels[0] in page.text
    assert labels[1] in page.text
    assert "</td>2" in page.text
    assert "onerror=alert(1)>\\n" in page.text


def test_suspects_are_shown_from_their_own_clips_and_marked_among_the_mistakes(evaluated, sounds, tmp_path):
    listed = [
        Suspect(1, sounds.files[1], ("animal",), ("drum",), 0.1, 1, True, "x.wav is the same recording"),
        Suspect(5, sounds.files[5], ("animal",), ("metal",), 0.4, 2, False),
    ]
    page = write(tmp_path, evaluated, sounds, Suspects(listed, sounds, "a forest"))
    assert page.tags.count("audio") == 3 + 1
    assert "Labelled animal; sounds like drum." in page.text
    assert "x.wav is the same recording" in page.text
    assert "Of 70 clips in the data, 1 label is likely wrong." in page.text
    assert page.text.count("the label may be wrong") == 1
    rows = rows_of(tmp_path / "mislabelled.csv")
    assert [(row["rank"], row["suggested_label"], row["likely_wrong"]) for row in rows] == [
        ("1", "drum", "true"),
        ("2", "metal", "false"),
    ]
    page = write(tmp_path, evaluated, sounds, Suspects([], sounds, "a forest"))
    assert "None were found. Judged by a forest." in page.text


def test_a_failing_group_is_named(sounds, tmp_path):
    clips = sounds.subset(range(len(sounds)))
    clips.groups = [f"microphone {clip % 5}" for clip in range(len(clips))]
    wrong = {clip: ((int(clips.targets[clip]) + 1) % 7, 0.8) for clip in range(0, 70, 5)}
    evaluation = evaluate_scores(clips.files, clips.targets, answer(clips.targets, wrong), LABELS, clips.groups)
    page = write(tmp_path, evaluation, clips)
    assert "Clearly worse than the rest: microphone 0." in page.text
    assert page.text.count("below the rest") == 1
    assert "0 of 14" in page.text


def test_many_mistakes_stay_within_bounds(sounds, tmp_path):
    wrong = {clip: ((int(sounds.targets[clip]) + 1) % 7, 0.8) for clip in range(60)}
    evaluation = evaluate_scores(sounds.files, sounds.targets, answer(sounds.targets, wrong), LABELS, sounds.groups)
    page = write(tmp_path, evaluation, sounds, most_bytes=100_000)
    assert page.tags.count("article") == MOST_MISTAKES
    assert 3 < page.tags.count("audio") < MOST_MISTAKES
    assert "Not embedded, so that the page stays small." in page.text
    assert (tmp_path / "errors.html").stat().st_size < 300_000
    assert f"{MOST_MISTAKES} of 60 mistakes" in page.text
    assert len(rows_of(tmp_path / "errors.csv")) == 60


def test_several_labels_a_clip_are_false_alarms_and_misses(sounds, tmp_path):
    targets = np.eye(len(LABELS), dtype=np.float32)[sounds.targets]
    scores = np.where(targets > 0, 0.8, 0.1)
    scores[0, 2], scores[1, 0] = 0.7, 0.05
    clips = sounds.subset(range(len(sounds)))
    clips.targets = targets
    evaluation = evaluate_scores(clips.files, targets, scores, LABELS, clips.groups, multi_label=True)
    page = write(tmp_path, evaluation, clips)
    assert "68 of 70 clips are answered exactly right" in page.text
    assert "Said metal, which does not apply." in page.text
    assert "Missed animal." in page.text
    assert "False alarms and misses by label" in page.text
    rows = rows_of(tmp_path / "errors.csv")
    assert [(row["false_alarms"], row["missed"]) for row in rows] == [("", "animal"), ("metal", "")]
    assert rows[1]["predicted_label"] == "animal|metal"


def test_no_mistake_is_told(sounds, tmp_path):
    evaluation = evaluate_scores(sounds.files, sounds.targets, answer(sounds.targets), LABELS, sounds.groups)
    page = write(tmp_path, evaluation, sounds)
    assert "70 of 70 clips are answered right: 100.0%" in page.text
    assert "There are none." in page.text
    assert "Nothing is." in page.text
    assert rows_of(tmp_path / "errors.csv") == []
