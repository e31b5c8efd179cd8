"""The tab of long recordings in Chromium: give one, see its events, filter, hear, correct, take the table along."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from audiocls.corpus.corpus import detect_recordings
from audiocls.detection.options import DetectOptions
from tests.browsing import PATIENCE_MS, assert_usable, watched_page

FIELD = Path(__file__).parents[3] / "data" / "field_recordings" / "field_0.ogg"
THRESHOLD = "0.25"


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    path = tmp_path_factory.mktemp("field") / "field.wav"
    waveform, rate = soundfile.read(FIELD, dtype="float32")
    soundfile.write(path, waveform[: 40 * rate], rate)
    return path


@pytest.fixture(scope="module")
def expected(classifier, field, tmp_path_factory):
    """events.csv of the command line."""
    folder = tmp_path_factory.mktemp("found") / "found"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(field.parent)
        detect_recordings(classifier, [field.name], folder, DetectOptions(threshold=THRESHOLD), pictures=False)
    return (folder / "events.csv").read_text()


@pytest.fixture
def page(chromium, app):
    with watched_page(chromium, app.url, 1440, 1000) as page:
        page.get_by_role("tab", name="Long recording").click()
        yield page


def give(page, path):
    page.locator("#recording-upload input[type=file]").set_input_files(str(path))
    page.locator("#recording-given").get_by_text("kHz").wait_for(timeout=PATIENCE_MS)


def find(page, path, threshold=THRESHOLD):
    give(page, path)
    page.locator("#recording-options button").first.click()
    for name in ("minimum", "gap", "window", "hop"):  # what is not chosen there stays automatic
        expect(page.locator(f"#recording-{name}").get_by_role("textbox")).to_have_value("")
    page.locator("#recording-fitted input").uncheck()
    field = page.locator("#recording-threshold input[type=number]")
    field.fill(threshold)
    field.press("Tab")
    page.locator("#recording-find").click()
    page.locator("#recording-outcome").get_by_text("of sound").first.wait_for(timeout=PATIENCE_MS)


def cell(page, row, column):
    return page.locator(f"#recording-table [data-testid='cell-{row}-{column}']")


def choose_row(page, row):
    cell(page, row, 1).click()
    page.locator("#recording-chosen").get_by_text(f"Event {row + 1}:").wait_for(timeout=PATIENCE_MS)


def downloaded(page, form, tmp_path):
    with page.expect_download() as download:
        page.locator(f"#recording-{form}").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def table_of(text):
    return list(csv.DictReader(text.splitlines()))


def test_the_table_is_that_of_the_command_line_until_it_is_corrected(page, field, expected, tmp_path):
    find(page, field)
    rows = table_of(expected)
    assert len(rows) > 5
    page.locator("#recording-view .sv-mark").nth(len(rows) - 1).wait_for(timeout=PATIENCE_MS)
    path = downloaded(page, "csv", tmp_path)
    assert path.name == "field.wav.events.csv"
    found = table_of(path.read_text())
    assert list(found[0]) == list(rows[0])
    assert [row["label"] for row in found] == [row["label"] for row in rows]
    for column in ("start_seconds", "end_seconds", "peak_score", "mean_score"):
        np.testing.assert_allclose([float(r[column]) for r in found], [float(r[column]) for r in rows], atol=1.01e-4)

    choose_row(page, 0)
    page.locator("#recording-label input").fill("tractor")
    page.locator("#recording-label input").press("Enter")
    page.locator("#recording-change").click()
    cell(page, 0, 5).get_by_text(f"label was {rows[0]['label']}").wait_for(timeout=PATIENCE_MS)
    choose_row(page, 1)
    page.get_by_text("Event 2:").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-delete").click()
    cell(page, 1, 5).get_by_text("deleted").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-counts").get_by_text("1 changed, 0 added, 1 deleted").wait_for(timeout=PATIENCE_MS)
    corrected = table_of(downloaded(page, "csv", tmp_path).read_text())
    assert [row["label"] for row in corrected] == ["tractor", *[row["label"] for row in rows[2:]]]
    assert corrected[0]["correction"].startswith(f"label was {rows[0]['label']}")
    audacity = downloaded(page, "audacity", tmp_path).read_text().splitlines()
    assert len(audacity) == len(rows) - 1
    assert audacity[0].endswith("\ttractor")
    assert downloaded(page, "raven", tmp_path).read_text().count("\n") == len(rows)


def test_events_are_filtered_in_table_picture_and_download(page, field, expected, tmp_path):
    find(page, field)
    rows = table_of(expected)
    scores = sorted(float(row["peak_score"]) for row in rows)
    least = round((scores[-1] + scores[-2]) / 2, 2)
    kept = sum(score >= least for score in scores)
    box = page.locator("#recording-filter-score input[type=number]")
    box.fill(str(least))
    box.press("Enter")
    page.get_by_text(f"{kept} of {len(scores)} events shown").wait_for(timeout=PATIENCE_MS)
    box.fill("0")
    box.press("Enter")
    page.get_by_text(f"{len(scores)} of {len(scores)} events shown").wait_for(timeout=PATIENCE_MS)
    choose_row(page, 0)
    page.locator("#recording-label input").fill("tractor")
    page.locator("#recording-label input").press("Enter")
    page.locator("#recording-change").click()
    cell(page, 0, 3).get_by_text("tractor").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-filter-labels input").click()
    page.get_by_role("option", name="tractor", exact=True).click()
    page.get_by_text(f"1 of {len(rows)} events shown").wait_for(timeout=PATIENCE_MS)
    page.wait_for_function("() => document.querySelectorAll('#recording-view .sv-mark').length === 1")
    page.locator("#recording-only-shown input").check()
    assert [row["label"] for row in table_of(downloaded(page, "csv", tmp_path).read_text())] == ["tractor"]


def test_an_event_is_heard_from_the_picture_and_from_the_table(page, field):
    find(page, field)
    mark = page.locator("#recording-view .sv-mark").nth(2)
    mark.wait_for(timeout=PATIENCE_MS)
    with page.expect_response(lambda answer: "queue/data" in answer.url or "queue/join" in answer.url):
        mark.focus()
        mark.press("Enter")
    page.get_by_text("Event 3:").wait_for(timeout=PATIENCE_MS)
    playing = "Pause"
    page.locator("#recording-view .sv-play").get_by_text(playing).wait_for(timeout=PATIENCE_MS)
    choose_row(page, 4)
    page.get_by_text("Event 5:").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-view .sv-play").get_by_text(playing).wait_for(timeout=PATIENCE_MS)


def test_a_missed_event_is_added(page, field):
    find(page, field, "1")
    page.locator("#recording-outcome").get_by_text("No event was found").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-add").click()
    page.get_by_text("An event needs a label").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-label input").fill("rain")
    page.locator("#recording-label input").press("Enter")
    page.locator("#recording-start input").fill("1.5")
    page.locator("#recording-end input").fill("2.5")
    page.locator("#recording-add").click()
    cell(page, 0, 3).get_by_text("rain").wait_for(timeout=PATIENCE_MS)
    assert cell(page, 0, 5).inner_text().strip() == "added"
    assert page.locator("#recording-view .sv-mark").count() == 1


def test_what_cannot_be_heard_is_explained_and_the_page_goes_on(page, field, tmp_path):
    page.locator("#recording-find").click()
    page.get_by_text("There is no recording yet").first.wait_for(timeout=PATIENCE_MS)
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound in here")
    page.locator("#recording-upload input[type=file]").set_input_files(str(broken))
    page.locator("#recording-given").get_by_text("cannot be read as sound").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-path textarea, #recording-path input").first.fill(str(tmp_path / "nowhere.wav"))
    page.get_by_role("button", name="Take this file").click()
    page.locator("#recording-given").get_by_text("is no file on this machine").wait_for(timeout=PATIENCE_MS)
    page.locator("#recording-path textarea, #recording-path input").first.fill(str(field))
    page.get_by_role("button", name="Take this file").click()
    page.locator("#recording-given").get_by_text("0:40").wait_for(timeout=PATIENCE_MS)


def test_what_was_uploaded_is_deleted_when_the_page_closes(chromium, app, field):
    def held():
        return [path for path in app.uploads.rglob("sound.wav") if path.is_file()]

    with watched_page(chromium, app.url, 1440, 1000) as page:
        page.get_by_role("tab", name="Long recording").click()
        give(page, field)
        before = held()
        assert before
    with watched_page(chromium, app.url, 1440, 1000) as page:
        for _ in range(100):
            if not any(path.exists() for path in before):
                break
            page.wait_for_timeout(100)
        assert not any(path.exists() for path in before)


def test_events_on_a_phone_can_be_used_by_everybody(page, field):
    page.set_viewport_size({"width": 390, "height": 844})
    find(page, field)
    page.locator("#recording-view .sv-mark").first.wait_for(timeout=PATIENCE_MS)
    assert_usable(page)
    cell(page, 0, 1).click()
    page.locator("#recording-chosen").get_by_text("Event").wait_for(timeout=PATIENCE_MS)
    assert_usable(page)
