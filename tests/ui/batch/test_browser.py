"""The Batch tab in Chromium: a zip in, a table and a CSV file out."""

import zipfile

import pytest
from playwright.sync_api import expect

from audiocls.cli import main
from tests.browsing import assert_usable, opened_page
from tests.small_models import SOUNDS


@pytest.fixture
def page(chromium, app):
    with opened_page(chromium, f"{app.url}?tab=batch", 390, 844) as page:
        page.locator("#batch-start").wait_for()
        yield page


def sounds_zip(folder):
    """Real sounds, and a file that is none; the same as a folder, too."""
    (folder / "in").mkdir()
    for label in ("drum", "water"):
        for path in sorted((SOUNDS / label).glob("*.ogg"))[:3]:
            (folder / "in" / path.name).write_bytes(path.read_bytes())
    (folder / "in" / "broken.wav").write_text("no sound in here")
    with zipfile.ZipFile(folder / "sounds.zip", "w") as archive:
        for path in sorted((folder / "in").iterdir()):
            archive.write(path, path.name)
    return folder / "sounds.zip"


def give(page, path):
    page.locator("#batch-files input[type=file]").set_input_files(str(path))
    page.locator("#batch-files").get_by_text(path.stem).first.wait_for()


def shown(table, text):
    """Cells that are seen: gradio has a hidden copy of a table to measure its columns."""
    return table.get_by_text(text).filter(visible=True)


def test_a_zip_becomes_a_table_and_the_csv_of_the_command_line(page, classifier, tmp_path, monkeypatch, capsys):
    give(page, sounds_zip(tmp_path))
    page.locator("#batch-start").click()
    page.get_by_text("Done: 7 files.").wait_for()
    table = page.locator("#batch-table")
    shown(table, "drum_00.ogg").first.wait_for()
    reason = shown(table, "not an audio file").first
    reason.scroll_into_view_if_needed()
    expect(reason).to_be_in_viewport()
    page.locator("#batch-summary").get_by_text("not read").wait_for()
    assert_usable(page)
    with page.expect_download() as download:
        page.locator("#batch-download").click()
    monkeypatch.chdir(tmp_path / "in")
    names = sorted(path.name for path in (tmp_path / "in").iterdir())
    main(["predict", str(classifier.folder), *names, "--format", "csv"])
    assert download.value.path().read_text() == capsys.readouterr().out
    table.get_by_placeholder("Filter...").fill("water_")
    expect(table.get_by_text("drum_00.ogg")).to_have_count(0)
    shown(table, "water_00.ogg").first.wait_for()


def test_a_zip_with_a_trick_and_no_files_at_all_are_told(page, tmp_path):
    page.locator("#batch-start").click()
    page.get_by_text("There are no files yet").wait_for()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.wav", b"x")
    give(page, tmp_path / "evil.zip")
    page.locator("#batch-start").click()
    page.get_by_text("would be written outside").wait_for()


def test_a_folder_of_this_machine_is_classified_for_who_sits_at_it(page):
    page.locator("#batch-folder input, #batch-folder textarea").first.fill(str(SOUNDS / "wood"))
    page.locator("#batch-start").click()
    page.get_by_text("Done: 10 files.").wait_for()
