"""Trainings as real processes: they end well, are cancelled and resumed, wait for each other, and end with the app."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audiocls import AudioClassifier
from audiocls.errors import UsageError
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.train import trainings as module
from audiocls.ui.train.choices import Choices
from audiocls.ui.train.errand import Errand
from audiocls.ui.train.material import Material
from audiocls.ui.train.trainings import CANCELLED, DONE, FAILED, RUNNING, WAITING, Training, Trainings
from audiocls.ui.train.views import curves, leaderboard, rows_of, status_text
from tests.small_models import MODEL_FOLDER, SOUNDS

HERE, ANNA, BEN = Visitor("page", True), Visitor("anna", False), Visitor("ben", False)
PATIENCE_SECONDS = 90


@pytest.fixture
def trainings():
    finished = []
    each = Trainings(finished.append)
    each.finished = finished
    yield each
    each.close()


@pytest.fixture
def sounds(tmp_path):
    """Material of two classes with five clips each, held in a folder."""
    held = tmp_path / "held"
    for label in ("drum", "speech"):
        (held / "sounds" / label).mkdir(parents=True)
        for file in sorted((SOUNDS / label).iterdir())[:5]:
            shutil.copy(file, held / "sounds" / label)
    return Material(str(held / "sounds"), "sounds", held)


def begun(trainings, visitor, material, tmp_path, kind="forest", name="model"):
    place = tmp_path / (visitor.session or "nobody")
    place.mkdir(exist_ok=True)
    return trainings.add(visitor, place / "models" / name, material, Choices(kind, 1.0, 0.2), place)


def wait_for(condition, seconds=PATIENCE_SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def gone(pid):
    """Whether no process of that group is left."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_where_things_lie_is_told_to_nobody_from_elsewhere(sounds, tmp_path):
    held, target = sounds.held, tmp_path / "models" / "mine"
    line = f"{sounds.data}/drum/a.wav and {held}/b.wav; {target}/README.md in {target.parent}"
    named = Material(sounds.data, "sounds")

    def told(visitor, material):
        return Training(visitor, target, tmp_path, material, Choices("forest", 1.0, 0.2)).clean(line)

    assert told(BEN, sounds) == "your sounds/drum/a.wav and your sounds/b.wav; mine/README.md in"
    assert told(HERE, sounds) == f"your sounds/drum/a.wav and your sounds/b.wav; {target}/README.md in {target.parent}"
    assert told(HERE, named) == line


def test_a_training_becomes_a_model_that_opens(trainings, sounds, tmp_path):
    training = begun(trainings, HERE, sounds, tmp_path)
    wait_for(lambda: training.state not in (WAITING, RUNNING))
    assert training.state == DONE, training.problem
    assert trainings.finished == [training]
    assert {path.name for path in training.target.iterdir()} >= MODEL_FOLDER - {"examples"}
    assert AudioClassifier.from_pretrained(training.target).labels == ["drum", "speech"]
    assert not training.partial.exists()
    assert not training.folder.exists(), "the copy of the sounds stays behind"
    axis, points = curves(rows_of(training))
    assert axis == "Trees"
    assert points["score"]
    assert leaderboard(training) == []
    assert not any(str(tmp_path / "held") in line for line in training.lines)


def test_cancelling_leaves_no_process_and_resuming_goes_on(trainings, sounds, tmp_path):
    training = begun(trainings, HERE, sounds, tmp_path, "cnn")
    wait_for(lambda: training.has_checkpoint and len(training.rows) >= 2)
    pid = training.errand.pid
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    assert "Training" in status_text(training)
    trainings.cancel(training)
    wait_for(lambda: training.state == CANCELLED, 15)
    assert gone(pid)
    before = len(training.rows)
    assert "Resume goes on" in status_text(training)
    trainings.resume(training)
    wait_for(lambda: any("resuming after epoch" in line for line in training.lines) and len(training.rows) > before)
    assert [row["epoch"] for row in training.rows] == list(range(1, len(training.rows) + 1))
    assert curves(training.rows)[0] == "Pass"
    trainings.cancel(training)
    wait_for(lambda: training.state == CANCELLED, 15)


def test_one_trains_and_the_others_are_told_their_place(trainings, sounds, tmp_path, monkeypatch):
    first = begun(trainings, HERE, sounds, tmp_path, "cnn")
    second, third = begun(trainings, ANNA, sounds, tmp_path), begun(trainings, BEN, sounds, tmp_path)
    wait_for(lambda: first.state == RUNNING)
    assert (second.state, third.state) == (WAITING, WAITING)
    assert (trainings.ahead(first), trainings.ahead(second), trainings.ahead(third)) == (0, 1, 2)
    assert "2 ahead" in status_text(third, trainings.ahead(third))
    with pytest.raises(UsageError, match="still going on"):
        begun(trainings, ANNA, sounds, tmp_path, name="other")
    monkeypatch.setattr(module, "MOST_WAITING_TRAININGS", 2)
    with pytest.raises(UsageError, match="try again later"):
        begun(trainings, Visitor("carl", False), sounds, tmp_path)
    trainings.cancel(second)
    assert second.state == CANCELLED
    assert trainings.ahead(third) == 1
    trainings.cancel(first)
    wait_for(lambda: third.state == RUNNING, 20)


def test_visitors_do_not_see_each_other_and_a_closed_page_takes_its_training_along(trainings, sounds, tmp_path):
    here = begun(trainings, HERE, sounds, tmp_path, "cnn")
    anna = begun(trainings, ANNA, sounds, tmp_path, "cnn")
    assert trainings.of(ANNA) is anna
    assert trainings.of(BEN) is None
    assert trainings.of(Visitor("another page of this machine", True)) is here
    trainings.cancel(here)
    wait_for(lambda: anna.state == RUNNING and anna.partial.exists() and anna.rows)
    assert anna.folder.is_relative_to(tmp_path / "anna")
    pid = anna.errand.pid
    trainings.forget("anna")
    assert trainings.of(ANNA) is None
    wait_for(lambda: gone(pid), 15)
    wait_for(lambda: not anna.folder.exists() and not anna.partial.exists() and not anna.target.exists(), 5)
    trainings.forget("page")
    assert trainings.of(HERE) is here, "what trains on this machine outlives its page"


def test_a_training_that_fails_says_why_in_one_line(trainings, sounds, tmp_path):
    shutil.rmtree(Path(sounds.data) / "drum")
    training = begun(trainings, ANNA, sounds, tmp_path)
    wait_for(lambda: training.state not in (WAITING, RUNNING))
    assert training.state == FAILED
    assert "class" in training.problem
    assert "\n" not in training.problem
    assert str(tmp_path) not in training.problem
    assert "Traceback" not in training.problem
    assert "This did not work" in status_text(training)


def test_a_visitor_from_elsewhere_has_limited_time(trainings, sounds, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_TRAINING_SECONDS_OTHERS", 0.5)
    training = begun(trainings, ANNA, sounds, tmp_path, "cnn")
    wait_for(lambda: training.state == FAILED, 30)
    assert "took longer" in training.problem


def test_the_app_ends_what_it_started(sounds, tmp_path):
    trainings = Trainings()
    training = begun(trainings, HERE, sounds, tmp_path, "cnn")
    wait_for(lambda: training.errand is not None)
    pid = training.errand.pid
    trainings.close()
    assert gone(pid)
    assert not training.folder.exists()


def test_the_app_does_not_wait_for_a_training_that_hangs(sounds, tmp_path):
    trainings = Trainings()
    training = begun(trainings, HERE, sounds, tmp_path, "cnn")
    wait_for(lambda: training.errand is not None)
    pid = training.errand.pid
    os.killpg(pid, signal.SIGSTOP)  # hears no Ctrl-C
    trainings.cancel(training)
    begin = time.monotonic()
    trainings.close()
    assert time.monotonic() - begin < 3 * module.CLOSE_SECONDS
    assert gone(pid)


def test_a_process_ends_with_the_app_however_that_ended(tmp_path):
    """Also where it is killed and can say nothing."""
    code = (
        "import time; from audiocls.ui.train.errand import Errand; "
        f"errand = Errand(['train', {str(SOUNDS)!r}, '--output_dir', {str(tmp_path / 'm')!r}]); "
        "print(errand.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as app:
        pid = int(app.stdout.readline())
        time.sleep(0.5)
        assert not gone(pid)
        app.send_signal(signal.SIGKILL)
        app.wait()
    wait_for(lambda: gone(pid), 30)


def test_nothing_of_this_machines_login_reaches_a_visitors_process(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    seen = []
    real = subprocess.Popen

    def watched(*arguments, env, **options):
        seen.append(env)
        return real([sys.executable, "-c", ""], env=env, **options)

    monkeypatch.setattr(subprocess, "Popen", watched)
    for own in (False, True):
        Errand(["--version"], own=own).wait(20)
    assert "HF_TOKEN" not in seen[0]
    assert seen[0]["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"
    assert seen[1]["HF_TOKEN"] == "hf_secret"


def test_the_leaderboard_grows_with_each_candidate(tmp_path):
    class Going:
        state = RUNNING
        rows = (
            {"candidate": 1, "model": "forest", "balanced_accuracy": 0.5, "seconds": 2.0},
            {"candidate": 2, "model": "probe:x", "balanced_accuracy": 0.9, "seconds": 1.0},
            {"candidate": 3, "model": "cnn", "note": "not tried: the time was over"},
        )

    assert [row[0] for row in leaderboard(Going())] == ["probe:x", "forest", "cnn"]
    assert leaderboard(Going())[0][1] == "90%"
    assert leaderboard(Going())[2][3] == "not tried: the time was over"
    axis, points = curves(Going.rows)
    assert axis == "Candidate"
    assert [point["value"] for point in points["score"]] == [0.5, 0.9]


def test_only_offered_values_become_flags():
    choices = Choices.checked("forest", 1, 20, ANNA)
    assert choices.flags() == ["--model", "forest", "--test_size", "0.2"]
    assert "--budget_minutes" in Choices.checked("auto", 2, 0, ANNA).flags()
    for kind, minutes, percent in (
        ("probe:../../secret", 1, 20),
        ("--help", 1, 20),
        (None, 1, 20),
        ("forest", 11, 20),
        ("forest", float("nan"), 20),
        ("forest", "x", 20),
        ("forest", 1, 90),
        ("forest", 1, -1),
    ):
        with pytest.raises(UsageError):
            Choices.checked(kind, minutes, percent, ANNA)
    assert Choices.checked("forest", 11, 20, HERE)
