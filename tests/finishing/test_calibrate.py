"""Calibrating a model folder again: what is written, how both scalings go together, and what is refused."""

import json
import shutil

import pytest

from audiocls.config import TrainConfig
from audiocls.data.dataset import load_labelled_clips
from audiocls.errors import DataError, ModelError, OutputError, UsageError
from audiocls.evaluation.calibration import expected_calibration_error
from audiocls.finishing.calibrate import calibrate_model, with_note
from audiocls.inference.classifier import AudioClassifier
from audiocls.scoring import clip_scores
from tests.small_models import LABELS, write_small_model

CARD = "---\nlicense: mit\n---\n\n# sounds\n\nWhat it does.\n"


@pytest.fixture(scope="module")
def clips(everyday_sounds, tmp_path_factory):
    """Five clips of each class, without parts."""
    root = tmp_path_factory.mktemp("clips") / "microphone"
    for label in LABELS:
        for file in sorted((everyday_sounds / "test" / label).iterdir())[:5]:
            (root / label).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, root / label / file.name)
    return root


@pytest.fixture
def folder(tmp_path):
    path = write_small_model(tmp_path / "model", logit_scale=[8.0] * 7)
    (path / "README.md").write_text(CARD)
    (path / "metrics.json").write_text(json.dumps({"accuracy": 0.5, "calibration": {"ece": 0.3}}))
    (path / "training_config.json").write_text(json.dumps({"data": "sounds", "calibration": {"temperature": 0.125}}))
    return path


def test_a_new_folder_is_written_whose_scores_fit_the_clips_better(folder, clips, tmp_path):
    before = (folder / "config.json").read_text()
    record = calibrate_model(folder, clips, tmp_path / "again")
    config = TrainConfig(num_workers=1)
    audio = load_labelled_clips(str(clips), config, LABELS, False)
    old, new = (AudioClassifier.from_pretrained(tmp_path / name) for name in ("model", "again"))
    scores = [clip_scores(each, audio.test) for each in (old, new)]
    errors = [expected_calibration_error(audio.test.targets, each) for each in scores]
    assert errors == pytest.approx(
        [record["calibration"][name] for name in ("held_out_ece_before", "held_out_ece")], abs=1e-3
    )
    assert errors[1] < errors[0] / 1.5
    assert (scores[0].argmax(1) == scores[1].argmax(1)).all()
    assert new.model.config.logit_scale == pytest.approx([8 / record["calibration"]["temperature"]] * 7)
    assert (folder / "config.json").read_text() == before
    assert {file.name for file in folder.iterdir()} <= {file.name for file in (tmp_path / "again").iterdir()}


def test_the_records_are_brought_up_to_date(folder, clips, tmp_path):
    record = calibrate_model(folder, clips, tmp_path / "again")
    training = json.loads((tmp_path / "again" / "training_config.json").read_text())
    assert training["calibration"] == record["calibration"]
    assert training["calibration"]["fitted_on"] == "microphone"
    assert training["calibrated_before"] == {"temperature": 0.125}
    assert json.loads((tmp_path / "again" / "metrics.json").read_text()) == {"accuracy": 0.5}
    card = (tmp_path / "again" / "README.md").read_text()
    assert card.startswith("---\nlicense: mit\n---\n\n# sounds\n\n> **Calibrated again** on 35 clips of microphone")
    assert card.endswith("\n\nWhat it does.\n")
    again = with_note(card, "> **Calibrated again** on 9 clips.")
    assert again == CARD.replace("What", "> **Calibrated again** on 9 clips.\n\nWhat")


def test_example_clips_go_along_and_the_card_loads_the_new_folder(folder, clips, tmp_path):
    program = '```python\nclassify = pipeline("audio-classification", model="sounds")\n```\n'
    proof = "> ✓ It was loaded back. <!-- audiocls: proof -->\n\n"
    text = CARD.replace("What", f"{proof}What") + f"\n## Use it\n\n{program}\n## Mine\n\n{program}"
    (folder / "README.md").write_text(text, encoding="utf-8")
    for name in ("examples/dog.flac", "examples/ATTRIBUTION.csv", ".eval_results/a.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    calibrate_model(folder, clips, tmp_path / "again")
    assert (tmp_path / "again" / "examples" / "dog.flac").read_text() == "examples/dog.flac"
    assert (tmp_path / "again" / ".eval_results" / "a.yaml").is_file()
    card = (tmp_path / "again" / "README.md").read_text(encoding="utf-8")
    assert "\n# again\n\n> **Calibrated again**" in card
    assert card.count('model="again"') == 1
    assert card.count('model="sounds"') == 1, "what somebody wrote stays as it is"
    assert "loaded back" not in card


def test_a_hub_user_s_bare_folder_gets_a_record_too(tmp_path, clips):
    write_small_model(tmp_path / "bare")
    calibrate_model(AudioClassifier.from_pretrained(tmp_path / "bare"), clips, tmp_path / "again")
    assert "calibration" in json.loads((tmp_path / "again" / "training_config.json").read_text())
    assert not (tmp_path / "again" / "README.md").exists()


def test_a_class_without_clips_is_refused(folder, clips, tmp_path):
    shutil.copytree(clips, tmp_path / "fewer")
    shutil.rmtree(tmp_path / "fewer" / "water")
    with pytest.raises(DataError, match=r"^fewer has no clip of class water; [^\n]+$"):
        calibrate_model(folder, tmp_path / "fewer", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_class_the_model_does_not_know_is_refused(folder, clips, tmp_path):
    shutil.copytree(clips, tmp_path / "more")
    (tmp_path / "more" / "water").rename(tmp_path / "more" / "rain")
    with pytest.raises(DataError, match="does not know class rain"):
        calibrate_model(folder, tmp_path / "more", tmp_path / "again")


def test_too_few_clips_are_refused(folder, clips, tmp_path):
    for label in LABELS:
        (tmp_path / "few" / label).mkdir(parents=True)
        for file in sorted((clips / label).iterdir())[:2]:
            shutil.copyfile(file, tmp_path / "few" / label / file.name)
    with pytest.raises(DataError, match=r"few has 14 usable clips; at least 20 are needed"):
        calibrate_model(folder, tmp_path / "few", tmp_path / "again")


def test_data_with_parts_is_refused(folder, everyday_sounds, tmp_path):
    with pytest.raises(DataError, match="divided into parts"):
        calibrate_model(folder, everyday_sounds, tmp_path / "again")


@pytest.mark.parametrize("acceptance", [0, 1.5, -1, float("nan"), True])
def test_an_acceptance_that_is_no_share_is_refused(folder, clips, tmp_path, acceptance):
    with pytest.raises(UsageError, match=r"^acceptance is .*; it must lie above 0 and at most at 1$"):
        calibrate_model(folder, clips, tmp_path / "again", acceptance=acceptance)


def test_no_folder_is_overwritten_unasked(folder, clips, tmp_path):
    with pytest.raises(UsageError, match="exists"):
        calibrate_model(folder, clips, folder)
    with pytest.raises(UsageError, match="is the model itself"):
        calibrate_model(folder, clips, folder, overwrite=True)
    with pytest.raises(ModelError, match="no such folder"):
        calibrate_model(tmp_path / "nothing", clips, tmp_path / "again")
    model = AudioClassifier.of(AudioClassifier.from_pretrained(folder).model, None)
    with pytest.raises(UsageError, match="never saved"):
        calibrate_model(model, clips, tmp_path / "again")


def test_damaged_records_are_one_line_and_leave_nothing(folder, clips, tmp_path):
    (folder / "metrics.json").write_text("{")
    with pytest.raises(OutputError, match=r"metrics.json of the model is not valid JSON"):
        calibrate_model(folder, clips, tmp_path / "again")
    assert not list(tmp_path.glob("again*"))
