"""`tune` from end to end: same folds for all, going on, what is refused, what is left behind."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from audiocls.comparison.folds import learning_clips
from audiocls.config import TrainConfig
from audiocls.errors import DataError, ModelError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.tuning.tune import tune

MIXUPS = {"mixup": [0.0, 0.1, 0.3, 0.4]}


def read_trials(folder):
    with open(folder / "trials.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_real_search_ends_in_a_model_folder_with_its_report(tones, tmp_path, quick_config):
    space = {"n_mels": [24, 32], "learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}}
    found = tune(tones, quick_config, search="random", trials=4, folds=2, space=space, output_dir=tmp_path / "run")
    rows = read_trials(tmp_path / "run")
    assert [row["state"] for row in rows] == ["complete"] * 4
    for row in rows:
        folds = [float(row["fold_1"]), float(row["fold_2"])]
        assert float(row["mean"]) == pytest.approx(np.mean(folds), abs=1e-6)
        assert 1e-3 <= float(row["learning_rate"]) <= 1e-2
    best = max(rows, key=lambda row: float(row["mean"]))
    record = json.loads((tmp_path / "run" / "training_config.json").read_text())["settings"]
    assert record["n_mels"] == int(best["n_mels"]) == found.config.n_mels
    assert record["learning_rate"] == float(best["learning_rate"])
    assert found.metrics["split"] == "test"
    assert found.summary["best_score"] == pytest.approx(float(best["mean"]), abs=1e-6)
    assert json.loads((tmp_path / "run" / "tuning.json").read_text()) == found.summary
    for picture in ("parallel_coordinates.png", "importance.png"):
        with Image.open(tmp_path / "run" / picture) as image:
            assert min(image.size) > 200
        assert f"({picture})" in (tmp_path / "run" / "README.md").read_text()
    assert (tmp_path / "run.study.db").is_file()
    assert AudioClassifier.from_pretrained(tmp_path / "run")(next(tones.glob("*/*.wav")))


def test_all_trials_have_the_same_folds_of_the_training_part_only(tones, tmp_path, quick_config, made):
    tune(tones, quick_config, search="grid", folds=3, space=MIXUPS, output_dir=tmp_path / "run")
    assert sorted(config.mixup for config, _, _ in made.calls) == MIXUPS["mixup"]
    for config, audio, folds in made.calls:
        assert np.array_equal(folds, made.calls[0][2])
        assert len(folds) == len(audio.train) + len(audio.validation) == 10
        assert config.seed == quick_config.seed
    assert [config.mixup for config in made.trained] == [0.3]


def test_the_folds_stay_the_same_at_every_sampling_rate(tones, tmp_path, quick_config, made):
    tune(tones, quick_config, search="grid", space={"sampling_rate": [8000, 16000]}, output_dir=tmp_path / "run")
    (_, one, one_folds), (_, other, other_folds) = made.calls
    assert {one.sampling_rate, other.sampling_rate} == {8000, 16000}
    sides = [
        dict(zip(learning_clips(audio).files, folds, strict=True))
        for audio, folds in ((one, one_folds), (other, other_folds))
    ]
    assert sides[0] == sides[1]


def test_a_second_call_goes_on_until_there_are_enough_trials(tones, tmp_path, quick_config, made):
    space = {"mixup": {"low": 0.0, "high": 1.0}}
    options = {"search": "random", "space": space, "folds": 2, "storage": str(tmp_path / "study.db")}
    tune(tones, quick_config, trials=2, output_dir=tmp_path / "first", **options)
    assert len(made.calls) == 2
    tune(tones, quick_config, trials=4, output_dir=tmp_path / "second", **options)
    assert len(made.calls) == 4
    tune(tones, quick_config, trials=4, output_dir=tmp_path / "third", **options)
    assert len(made.calls) == 4
    tune(tones, quick_config, trials=4, output_dir=tmp_path / "fresh", **{**options, "storage": str(tmp_path / "b.db")})
    drawn = [config.mixup for config, _, _ in made.calls]
    assert drawn[4:] == drawn[:4]
    assert len(set(drawn)) == 4


def test_an_interrupted_search_keeps_what_is_finished_and_repeats_what_is_not(
    tones, tmp_path, quick_config, made, capsys
):
    plain = made.score

    def interrupted(config, fold):
        if len(made.calls) == 3 and fold == 2:
            raise KeyboardInterrupt
        return plain(config, fold)

    made.score = interrupted
    options = {"search": "grid", "space": MIXUPS, "output_dir": tmp_path / "run"}
    with pytest.raises(KeyboardInterrupt):
        tune(tones, quick_config, verbose=True, **options)
    assert "stopped after 2 of 4 trials; the same command goes on" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    made.score = plain
    tune(tones, quick_config, **options)
    assert len(made.calls) == 5
    assert made.calls[2][0].mixup == made.calls[3][0].mixup
    rows = read_trials(tmp_path / "run")
    assert sorted(float(row["mixup"]) for row in rows) == MIXUPS["mixup"]
    assert [row["trial"] for row in rows] == ["1", "2", "3", "4"]


def test_trials_are_held_against_the_settings_as_they_were(tones, tmp_path, quick_config, made, capsys):
    space = {"mixup": [0.0, 0.1, 0.3, 1.0]}
    options = {"search": "grid", "space": space, "folds": 2, "storage": str(tmp_path / "study.db"), "verbose": True}
    made.score = lambda config, fold: 1 - abs(config.mixup - 0.3)
    config = quick_config.replaced(mixup=0.9)
    found = tune(tones, config, output_dir=tmp_path / "run", **options)
    [(start, _, folds)] = made.starts
    assert start.mixup == 0.9
    assert np.array_equal(folds, made.calls[0][2])
    gain = found.summary["gain"]
    assert gain["start_score"] == pytest.approx(0.4, abs=0.11)  # of ten clips as many as 0.4 allows
    assert gain["difference"] == pytest.approx(1 - gain["start_score"])
    assert gain["difference_low"] <= gain["difference"] <= gain["difference_high"]
    assert gain["trials"] == 4
    assert gain["p_value"] <= gain["p_holm"] <= 4 * gain["p_value"]
    best = next(row for row in read_trials(tmp_path / "run") if row["mixup"] == "0.3")
    assert float(best["difference"]) == pytest.approx(gain["difference"], abs=1e-5)
    assert float(best["p_holm"]) == pytest.approx(gain["p_holm"], abs=1e-5)
    said = capsys.readouterr().out
    assert f"The settings as they were reach {gain['start_score']:.3f} on the same folds" in said
    assert "The best of 4 trials flatters" in said
    assert "The settings as they were reach" in (tmp_path / "run" / "README.md").read_text()
    tune(tones, config, output_dir=tmp_path / "again", **options)
    assert len(made.starts) == 1  # kept with the study


def test_a_trial_with_the_settings_as_they_were_saves_training_them_again(tones, tmp_path, quick_config, made):
    config = quick_config.replaced(mixup=0.1)
    found = tune(tones, config, search="grid", folds=2, space=MIXUPS, output_dir=tmp_path / "run")
    assert not made.starts
    row = next(row for row in found.rows if row.settings["mixup"] == 0.1)
    assert row.difference == 0
    assert row.p_value == 1
    made.score = lambda config, fold: 0.5
    tune(tones, config, search="grid", folds=2, space=MIXUPS, output_dir=tmp_path / "equal")
    assert "on the same folds, and no trial did better." in (tmp_path / "equal" / "README.md").read_text()


def test_settings_that_were_impossible_before_are_told_and_cost_nothing(tones, tmp_path, quick_config, made):
    def score(config, fold):
        if config.mixup == 0.9:
            raise DataError("nothing can be learnt")
        return 0.5

    made.score = score
    config = quick_config.replaced(mixup=0.9)
    found = tune(tones, config, search="grid", folds=2, space=MIXUPS, output_dir=tmp_path / "run")
    assert found.summary["gain"] == "The settings as they were cannot be compared: nothing can be learnt."
    assert found.summary["gain"] in (tmp_path / "run" / "README.md").read_text()
    assert all(row["difference"] == row["p_holm"] == "" for row in read_trials(tmp_path / "run"))


def test_trials_limits_a_grid_and_says_so(tones, tmp_path, quick_config, made, capsys):
    tune(tones, quick_config, search="grid", trials=3, space=MIXUPS, output_dir=tmp_path / "run", verbose=True)
    assert len(made.calls) == 3
    assert "the grid has 4 combinations; 3 of them are tried" in capsys.readouterr().out


def test_trials_that_fall_behind_are_given_up_and_recorded(tones, tmp_path, quick_config, made):
    space = {"mixup": {"low": 0.0, "high": 1.0}}
    found = tune(tones, quick_config, search="random", trials=14, space=space, output_dir=tmp_path / "run")
    rows = read_trials(tmp_path / "run")
    pruned = [row for row in rows if row["state"] == "pruned"]
    assert found.summary["pruned"] == len(pruned) > 2
    for row in pruned:
        assert row["fold_2"]
        assert not row["fold_5"]
        assert 1 - abs(float(row["mixup"]) - 0.3) == pytest.approx(float(row["mean"]), abs=1e-5)
    assert found.summary["best_score"] == pytest.approx(max(float(row["mean"]) for row in rows), abs=1e-6)


def test_settings_that_do_not_go_together_are_recorded_and_the_search_goes_on(tones, tmp_path, quick_config, made):
    space = {"n_mels": [12, 64], "n_mfcc": [20, 40]}
    found = tune(tones, quick_config, search="grid", space=space, output_dir=tmp_path / "run")
    reasons = {(row["n_mels"], row["n_mfcc"]): row["reason"] for row in read_trials(tmp_path / "run")}
    assert "n_mfcc is 40; there are only n_mels = 12 bands" in reasons["12", "40"]
    assert reasons["64", "40"] == ""
    assert found.summary["impossible"] == 2
    with pytest.raises(DataError, match=r"none of the 2 trials could be scored; the first: n_mfcc is"):
        tune(tones, quick_config, search="grid", space={"n_mels": [12, 16]}, output_dir=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_equal_settings_are_not_computed_twice(tones, tmp_path, quick_config, made):
    found = tune(tones, quick_config, trials=8, folds=2, space=MIXUPS, output_dir=tmp_path / "run", search="random")
    assert len(found.rows) == 8
    assert len(made.calls) < 8


def test_the_setting_that_matters_is_found_important(tones, tmp_path, quick_config, made):
    made.score = lambda config, fold: 0.8 - (config.mixup - 0.3) ** 2 + 1e-3 * config.n_mels / 64
    space = {"n_mels": [32, 64, 96], "mixup": {"low": 0.0, "high": 1.0}, "batch_size": [8, 16]}
    found = tune(tones, quick_config, trials=12, folds=2, space=space, output_dir=tmp_path / "run")
    shares = found.summary["importance"]
    assert next(iter(shares)) == "mixup"
    assert shares["mixup"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_what_a_fellow_process_finished_is_not_trained_again(tones, tmp_path, quick_config, made):
    def score(config, fold):
        if len(made.calls) == 4 and fold == 4:
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "metrics.json").write_text('{"accuracy": 0.7}')
        return 0.5

    made.score = score
    found = tune(tones, quick_config, search="grid", space=MIXUPS, output_dir=tmp_path / "run")
    assert found.metrics == {"accuracy": 0.7}
    assert not made.trained


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials is 0; at least 1"),
        ({"search": "genetic"}, "search is 'genetic'; choose one of tpe, random, grid"),
        ({"folds": 1}, "folds is 1"),
        ({"folds": 40}, "folds is 40, but tones has only 10 clips"),
        ({"space": {"n_mel": [3]}}, "did you mean n_mels"),
        ({"storage": "sqlite:///:memory:"}, "would keep nothing"),
        ({"storage": "nonsense://x/y"}, "nonsense://x/y is no storage"),
        ({"storage": "mysql+mysqldb://me:secret@nowhere/x"}, r"mysqldb://me:\*\*\*@nowhere/x cannot be used"),
        ({"config": TrainConfig(model="auto", test_size=0.2)}, "auto, which chooses by itself"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_nothing(tones, tmp_path, quick_config, made, options, message):
    options = {"config": quick_config, "output_dir": tmp_path / "run", **options}
    with pytest.raises(UsageError, match=message) as error:
        tune(tones, **options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
    assert not made.calls


def test_an_existing_folder_is_kept_unless_told(tones, tmp_path, quick_config, made):
    (tmp_path / "run").mkdir()
    with pytest.raises(UsageError, match="exists; choose another --output_dir, or pass --overwrite"):
        tune(tones, quick_config, output_dir=tmp_path / "run")
    assert not made.calls


def test_a_missing_pretrained_model_ends_the_search_at_once(tones, tmp_path, quick_config, made):
    def missing(config, fold):
        raise ModelError("no such model")

    made.score = missing
    with pytest.raises(ModelError):
        tune(tones, quick_config, search="grid", space=MIXUPS, output_dir=tmp_path / "run")
    assert len(made.calls) == 1
