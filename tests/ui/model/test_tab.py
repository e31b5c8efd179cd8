"""The Model tab without a page: what it tells, of anybody's model, and whose sounds it plays to whom."""

import asyncio
import csv
import json
import re
import shutil
from types import SimpleNamespace

import gradio as gr
import httpx
import numpy as np
import pytest

from audiocls import AudioClassifier
from audiocls.audio.decoding import decode
from audiocls.evaluation.plots import SHARES
from audiocls.evaluation.share_colours import contrast, ink_on, share_colour
from audiocls.ui.context import AppContext, Navigation
from audiocls.ui.model import tab as model_tab
from audiocls.ui.model.clips import ClipSounds, answered_clips, data_folder, in_cell
from audiocls.ui.model.description import description
from audiocls.ui.model.facts import fact_rows, missing
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.model.matrix import Matrix, matrix_html, read_matrix
from audiocls.ui.model.scores import scores_markdown
from audiocls.ui.serving.visitors import Rights
from audiocls.ui.shelf import ModelShelf
from audiocls.ui.texts import model as texts
from tests.small_models import LABELS, SOUNDS, write_small_model
from tests.ui.model.evaluated import CLIPS, evaluated_model, largest_mistake


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluated")


@pytest.fixture(scope="module")
def heard(root):
    return evaluated_model(root)


@pytest.fixture
def tab(heard, root, monkeypatch):
    """The functions of the tab by name, with the model's data where training had it."""
    monkeypatch.chdir(root)
    context = AppContext(ModelShelf(heard, "heard", runs=None), Rights(local=True))

    async def build():
        with gr.Blocks(analytics_enabled=False) as blocks, gr.Tabs() as bar, gr.Tab("Model"):
            model_tab.build(context, Navigation(gr.Dropdown(), gr.State("heard"), bar), heard)
        return blocks

    blocks = asyncio.run(build())
    return SimpleNamespace(**{each.name: each.fn for each in blocks.fns.values() if each.fn}, context=context)


def visitor(client="127.0.0.1"):
    return SimpleNamespace(
        session_hash="a", headers=httpx.Headers({"host": "127.0.0.1:7860"}), client=SimpleNamespace(host=client)
    )


def event(**data):
    return SimpleNamespace(_data=data)


def test_facts_scores_and_labels_are_those_of_the_folder(heard):
    files = ModelFiles(heard)
    facts = dict(fact_rows(files))
    names = texts.FACT_NAMES
    assert facts[names["name"]] == "heard"
    assert facts[names["kind"]] == "cnn"
    assert facts[names["licence"]] == "cc-by-4.0"
    assert facts[names["rate"]].startswith("mono at 16,000 Hz")
    assert facts[names["window"]] == "1 s"
    assert facts[names["trained_on"]] == f"mine: 70 clips for train, {CLIPS * len(LABELS)} clips for test"
    size = (heard.folder / "model.safetensors").stat().st_size
    assert facts[names["weights"]].startswith(f"{size / 1e6:.1f} MB (")
    scores = scores_markdown(files)
    low, high = heard.metrics["intervals"]["accuracy"]
    assert f"| accuracy | {heard.metrics['accuracy']:.3f} | {low:.3f}\u00a0to\u00a0{high:.3f} |" in scores
    assert f"On {CLIPS * len(LABELS)} clips." in scores
    assert all(f"\n| {label} | " in scores for label in LABELS)
    assert "curves.png" in missing(files)
    assert "predictions.csv" not in missing(files)


@pytest.mark.parametrize(
    ("metadata", "licence", "shown"),
    [
        ("license: mit", "mit", "mit"),
        ("license: unknown", None, texts.UNKNOWN_LICENCE),
        ("license: [mit, gpl]", None, texts.UNKNOWN_LICENCE),
        ("tags: [audio]", None, texts.UNKNOWN_LICENCE),
        ("license: [mit", None, None),  # no YAML: nothing is known of it
    ],
)
def test_the_page_and_programs_are_told_the_same_licence(tmp_path, metadata, licence, shown):
    folder = write_small_model(tmp_path / "model")
    (folder / "README.md").write_text(f"---\n{metadata}\n---\n# Sounds\n")
    classifier = AudioClassifier.from_pretrained(folder)
    assert description(classifier)["licence"] == licence
    assert dict(fact_rows(ModelFiles(classifier))).get(texts.FACT_NAMES["licence"]) == shown


def test_the_cells_of_the_matrix_hold_the_clips_of_the_table(heard):
    files = ModelFiles(heard)
    clips, matrix = answered_clips(files), read_matrix(files.metrics)
    with open(heard.folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, true in enumerate(LABELS):
        for column, given in enumerate(LABELS):
            found = in_cell(clips, LABELS, row, column, multi=False)
            wanted = {each["file"] for each in rows if (each["true_label"], each["predicted_label"]) == (true, given)}
            assert {each.file for each in found} == wanted
            assert len(found) == matrix.cells[row][column]
    page = matrix_html(matrix, choosable=True)
    filled = sum(number > 0 for cells in matrix.cells for number in cells)
    assert page.count("<button") == filled
    assert page.count("tabindex='0'") == 1
    assert matrix_html(matrix, choosable=False).count("<button") == 0


def test_several_labels_a_clip_are_counted_label_by_label(tmp_path):
    files = ModelFiles(evaluated_model(tmp_path, multi_label=True))
    clips, matrix = answered_clips(files), read_matrix(files.metrics)
    assert len(clips) == CLIPS * len(LABELS)
    for row in range(len(LABELS)):
        for column in range(4):
            assert len(in_cell(clips, LABELS, row, column, multi=True)) == matrix.cells[row][column]
    assert "found" in matrix_html(matrix, choosable=True)


def test_a_clip_is_heard_as_it_lies_on_the_disk(tab, heard, root):
    row, column = largest_mistake(heard)
    clips = in_cell(answered_clips(ModelFiles(heard)), LABELS, row, column, multi=False)
    shown, _ = tab.choose("heard", "data/mine", event(row=row, column=column), visitor())
    assert all(clip.file in shown.value for clip in clips)
    assert shown.value.count("data-index") == len(clips)
    picture = tab.play("heard", "data/mine", event(row=row, column=column, index=0), visitor()).value
    expected = decode(root / "data" / "mine" / clips[0].file, 16000)
    assert picture["seconds"] == pytest.approx(len(expected) / 16000, abs=1e-3)
    assert picture["sound"].startswith("data:audio/")
    assert LABELS[column] in picture["marks"][0]["label"]


def test_from_elsewhere_nobody_hears_what_is_on_this_disk_but_the_models_own_examples(tab, heard, tmp_path):
    row, column = largest_mistake(heard)
    clips = in_cell(answered_clips(ModelFiles(heard)), LABELS, row, column, multi=False)
    elsewhere = visitor("192.0.2.1")
    shown, _ = tab.choose("heard", "data/mine", event(row=row, column=column), elsewhere)
    assert "data-index" not in shown.value
    assert texts.CLIPS_UNHEARD in shown.value
    with pytest.raises(gr.Error, match="not there to be heard"):
        tab.play("heard", "data/mine", event(row=row, column=column, index=0), elsewhere)
    looked = tab.look("heard", elsewhere)
    assert "data/mine" not in json.dumps([str(getattr(each, "value", each)) for each in looked])
    # what lies in the model folder is part of the model
    examples = heard.folder / "examples"
    examples.mkdir()
    try:
        shutil.copy(SOUNDS / "water" / "water_00.ogg", examples / "a.ogg")
        (examples / "ATTRIBUTION.csv").write_text(f"file,made_from\na.ogg,{clips[0].file}\n../../x,{clips[-1].file}x\n")
        assert tab.play("heard", "", event(row=row, column=column, index=0), elsewhere).value["sound"]
    finally:
        shutil.rmtree(examples)


@pytest.mark.parametrize(
    "data",
    [{}, {"row": 0}, {"row": -1, "column": 0}, {"row": 0, "column": 99}, {"row": "0", "column": 0},
     {"row": True, "column": 0},
     {"row": 0, "column": 0, "index": 10**9}, {"row": 0, "column": 0, "index": -1}, {"row": 1e9, "column": 0}],
)  # fmt: skip
def test_events_with_anything_in_them_are_refused(tab, data):
    with pytest.raises(gr.Error, match="not among those of the model"):
        tab.play("heard", "data/mine", event(**data), visitor())
    with pytest.raises(gr.Error):
        tab.play("heard", "data/mine", SimpleNamespace(_data=None), visitor())
    with pytest.raises(gr.Error, match="not among the models"):
        tab.choose("runs/heard", "", event(row=0, column=0), visitor("192.0.2.1"))


def test_a_table_that_names_files_outside_of_the_data_reads_none(tmp_path, heard):
    secret = tmp_path / "secret.wav"
    shutil.copy(SOUNDS / "water" / "water_00.ogg", secret)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.wav").symlink_to(secret)
    sounds = ClipSounds(ModelFiles(heard), tmp_path / "data")
    for name in ("../secret.wav", str(secret), "link.wav", "a\0b", "x" * 5000, ""):
        assert sounds.find(name) is None
    inside = tmp_path / "data" / "in.wav"
    shutil.copy(secret, inside)
    assert sounds.find("in.wav") == inside


def test_the_data_is_looked_for_by_its_name_and_nowhere_else(heard, root, monkeypatch, tmp_path):
    monkeypatch.chdir(root)
    files = ModelFiles(heard)
    clips = answered_clips(files)
    assert str(data_folder(files, clips)) == "data/mine"
    files.training = {"data": "../evaluated/data/mine"}
    assert data_folder(files, clips) is None
    monkeypatch.chdir(tmp_path)
    files.training = {"data": "mine"}
    assert data_folder(files, clips) is None


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[]", "null", '{"accuracy": 0.5}', '{"accuracy": "x"}', '{"accuracy": 0.5, "confusion_matrix": {}}',
     '{"accuracy": 0.5, "confusion_matrix": {"labels": ["a"], "counts": [[1, 2]]}, "intervals": 3, "per_class": 1}',
     '{"confusion_matrix": {"labels": ["a", "b"], "counts": [[1, -2], [0, 1]]}}', "[" * 100_000],
)  # fmt: skip
def test_models_with_other_or_broken_papers_are_told_of_without_empty_frames(tmp_path, content):
    folder = write_small_model(tmp_path / "foreign")
    for name in ("metrics.json", "training_config.json", "predictions.csv", "reliability.png", "README.md"):
        (folder / name).write_text(content if name != "README.md" else f"---\n{content}\n---\n")
    context = AppContext(ModelShelf(AudioClassifier.from_pretrained(folder), runs=None), Rights())
    parts = model_tab.shown(context, context.shelf.first, SimpleNamespace(local=False, session="a"))
    assert "foreign" in parts.facts.value
    hidden = [
        name for name in ("matrix", "clips", "pictures", "errors", "data") if getattr(parts, name).visible is False
    ]
    assert hidden == ["matrix", "clips", "pictures", "errors", "data"]


def test_names_in_a_model_are_shown_and_not_obeyed():
    name = "<img src=x onerror=alert(1)>'\""
    matrix = Matrix([name, "b"], [name, "b"], [[1, 2], [0, 3]], [[3, 3], [3, 3]], name, multi=False)
    page = matrix_html(matrix, choosable=True)
    assert "<img" not in page
    assert not re.search(r"""='[^']*<""", page)


def test_of_many_labels_the_most_frequent_mistakes_are_listed():
    counts = np.random.default_rng(0).integers(0, 9, (300, 300)).tolist()
    names = [f"label {number}" for number in range(300)]
    page = matrix_html(
        Matrix(names, names, counts, [[sum(row)] * 300 for row in counts], "test", False), choosable=True
    )
    assert page.count("<button") == 50
    assert len(page) < 60_000


def test_colours_are_those_of_the_pictures_and_can_be_read():
    for share in np.linspace(0, 1, 101):
        drawn = np.array(SHARES(share)[:3]) * 255
        shown = [int(share_colour(share)[at : at + 2], 16) for at in (1, 3, 5)]
        np.testing.assert_allclose(shown, drawn, atol=2)
        assert contrast(share_colour(share), ink_on(share_colour(share))) >= 4.5


def test_the_page_of_mistakes_is_offered_where_there_is_one(tab, heard):
    page = heard.folder / "errors.html"
    assert tab.look("heard", visitor())[1 + model_tab.Parts._fields.index("errors")].visible is False
    page.write_text("<html>mistakes</html>")
    try:
        button = tab.look("heard", visitor())[1 + model_tab.Parts._fields.index("errors")]
        assert button.visible
        copy = tab.context.workspaces.folder(tab.context.visitor(visitor())) / "heard-errors.html"
        assert copy.read_text() == page.read_text()
    finally:
        page.unlink()
        tab.context.forget("a")
