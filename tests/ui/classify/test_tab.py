"""The Classify tab without a page: of several questions only the last one is answered, whichever is ready first."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest

from audiocls.ui.classify import tab as classify_tab
from audiocls.ui.classify.heard import Questions
from audiocls.ui.context import AppContext, Navigation
from audiocls.ui.serving.visitors import Rights
from audiocls.ui.shelf import ModelShelf
from tests.small_models import SOUNDS

FIRST, SECOND = (sorted((SOUNDS / label).glob("*.ogg"))[0] for label in ("music", "drum"))
PATIENCE_SECONDS = 30
VISITOR = SimpleNamespace(
    session_hash="a", headers=httpx.Headers({"host": "127.0.0.1:7860"}), client=SimpleNamespace(host="127.0.0.1")
)


@pytest.fixture
def tab(classifier, monkeypatch, tmp_path):
    """The functions of the tab by name."""
    monkeypatch.chdir(tmp_path)
    context = AppContext(ModelShelf(classifier, "mine", runs=None), Rights(local=True))

    async def build():
        with gr.Blocks(analytics_enabled=False) as blocks, gr.Tabs() as bar, gr.Tab("Classify"):
            classify_tab.build(context, Navigation(gr.Dropdown(), gr.State("mine"), bar), classifier)
        return blocks

    blocks = asyncio.run(build())
    return SimpleNamespace(**{each.name: each.fn for each in blocks.fns.values() if each.fn}, blocks=blocks)


class Held:
    """A function that waits the first time it is called, until it is let go."""

    def __init__(self, function):
        self.function, self.begun, self.let_go = function, threading.Event(), threading.Event()

    def __call__(self, *given, **named):
        if not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(PATIENCE_SECONDS)
        return self.function(*given, **named)


@pytest.fixture
def hold(monkeypatch):
    def hold(name):
        held = Held(getattr(classify_tab, name))
        monkeypatch.setattr(classify_tab, name, held)
        return held

    return hold


def during(held, early, late):
    """What `early` returns where `late` is done while it waits, and what `late` returns."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(early)
        assert held.begun.wait(PATIENCE_SECONDS)
        try:
            done = late()
        finally:
            held.let_go.set()
        return waiting.result(PATIENCE_SECONDS), done


def skipped(updates):
    return all(update == gr.skip() for update in updates)


def test_an_answer_that_comes_late_changes_nothing(tab, hold, classifier):
    asked, held = Questions(), hold("hear")
    late, shown = during(
        held,
        lambda: tab.answer(str(FIRST), "mine", asked, VISITOR),
        lambda: tab.answer(str(SECOND), "mine", asked, VISITOR),
    )
    assert skipped(late)
    expected = {row["label"]: row["score"] for row in classifier(SECOND)}
    scores = {entry["label"]: entry["confidence"] for entry in shown[0].value["confidences"]}
    assert scores == pytest.approx(expected, abs=1e-4)
    assert asked.heard.path == SECOND


@pytest.mark.parametrize(("function", "slow"), [("pictured", "picture_of"), ("explained", "explain")])
def test_a_sound_taken_away_is_neither_drawn_nor_explained(tab, hold, function, slow):
    asked = Questions()
    tab.answer(str(FIRST), "mine", asked, VISITOR)
    if function == "explained":
        assert tab.pictured(asked, VISITOR)["sound"]
    late, _ = during(
        hold(slow),
        lambda: getattr(tab, function)(asked, VISITOR),
        lambda: tab.answer(None, "mine", asked, VISITOR),
    )
    assert skipped(late if function == "explained" else [late])


def test_a_sound_given_while_another_is_drawn_is_drawn_and_explained_too(tab, hold):
    """The page asks for the picture and the parts once after each answer; what it asks early must not be lost."""
    asked, drawing = Questions(), hold("picture_of")
    tab.answer(str(FIRST), "mine", asked, VISITOR)

    def meanwhile():
        tab.answer(str(SECOND), "mine", asked, VISITOR)
        early = tab.explained(asked, VISITOR)  # of the first sound's row of events
        return early, tab.pictured(asked, VISITOR), tab.explained(asked, VISITOR)

    first, (early, picture, (marked, line)) = during(drawing, lambda: tab.pictured(asked, VISITOR), meanwhile)
    assert skipped([first, *early])
    assert picture["sound"]
    assert marked["sound"] == picture["sound"]
    assert "Zeiler" in line


def test_no_question_is_dropped_because_another_is_at_work(tab):
    modes = {each.name: each.trigger_mode for each in tab.blocks.fns.values()}
    assert {modes[name] for name in ("answer", "pictured", "explained")} == {"multiple"}
    assert modes["example"] == "always_last"
