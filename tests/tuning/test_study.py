"""A shared study: opened by many at once, about one question only, and no trial lost with its process."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from audiocls.errors import OutputError, UsageError
from audiocls.tuning import study as study_module
from audiocls.tuning import trials
from audiocls.tuning.pruning import make_pruner
from audiocls.tuning.study import open_study, storage_url
from audiocls.tuning.tune import tune
from audiocls.tuning.turns import TurnSampler, turns_of

MIXUPS = {"mixup": [0.0, 0.1, 0.3, 0.4]}
ABOUT = {"data": "d", "fingerprint": "f", "model": "cnn", "search": "tpe", "folds": 5, "space": {}, "settings": {}}

# A process that shares the study, says when it begins its second trial, and is killed in the middle of it.
FELLOW = """
import os, signal, sys, time
import numpy as np
from audiocls.comparison.cross_validation import CrossValidated
from audiocls.config import TrainConfig
from audiocls.tuning import study, trials
from audiocls.tuning.tune import tune

study.HEARTBEAT_SECONDS, study.GRACE_SECONDS = 1, 2
done = []

def cross_validate(config, audio, folds, run, on_fold):
    done.append(config)
    if len(done) == 2:
        print("begun", flush=True)
    for fold in range(int(folds.max()) + 1):
        time.sleep(0.05)
        if len(done) == 2 and fold == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        on_fold(fold, {"balanced_accuracy": config.mixup})
    return CrossValidated(np.full((len(folds), 2), 0.5, np.float32))

trials.cross_validate = cross_validate
config = TrainConfig(num_workers=1, test_size=0.2, num_epochs=1, clip_seconds=0.3)
tune(sys.argv[1], config, search="grid", space=SPACE, storage=sys.argv[2], output_dir=sys.argv[3])
"""


def test_two_processes_share_a_grid_and_a_killed_one_loses_no_trial(tones, tmp_path, quick_config, made, monkeypatch):
    monkeypatch.setattr(study_module, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(study_module, "GRACE_SECONDS", 2)
    monkeypatch.setattr(trials, "POLL_SECONDS", 0.2)
    space = {"mixup": [0.1, 0.2, 0.3, 0.4], "n_mels": [32, 64]}
    database = tmp_path / "study.db"
    script = tmp_path / "fellow.py"
    script.write_text(FELLOW.replace("SPACE", repr(space)))
    command = [sys.executable, str(script), str(tones), str(database), str(tmp_path / "his")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as fellow:
        assert fellow.stdout.readline() == "begun\n"
        mine = tune(
            tones, quick_config, search="grid", space=space, storage=str(database), output_dir=tmp_path / "mine"
        )
        fellow.kill()
    assert fellow.returncode == -signal.SIGKILL
    seen = sorted((row.settings["mixup"], row.settings["n_mels"]) for row in mine.rows)
    assert seen == sorted((mixup, bands) for mixup in space["mixup"] for bands in space["n_mels"])
    assert all(row.state == "complete" for row in mine.rows)
    study = optuna.load_study(study_name="audiocls", storage=f"sqlite:///{database}")
    finished = [turn for turn, trial in zip(turns_of(study.trials), study.trials, strict=True) if trial.values]
    assert sorted(finished) == list(range(8))  # none twice
    assert len(made.calls) == 7  # the fellow did one
    assert [trial.state for trial in study.trials].count(TrialState.FAIL) == 1
    assert not (tmp_path / "his").exists()


def test_a_trial_killed_before_its_first_heartbeat_is_run_again(tones, tmp_path, quick_config, made, monkeypatch):
    monkeypatch.setattr(trials, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(trials, "POLL_SECONDS", 0.1)
    options = {"search": "grid", "space": MIXUPS, "storage": str(tmp_path / "study.db")}
    tune(tones, quick_config, trials=1, output_dir=tmp_path / "one", **options)
    with pytest.warns(UserWarning, match="Heartbeat"):
        optuna.load_study(study_name="audiocls", storage=study_module._storage(f"sqlite:///{options['storage']}")).ask()
    found = tune(tones, quick_config, output_dir=tmp_path / "all", **options)
    assert sorted(row.settings["mixup"] for row in found.rows) == MIXUPS["mixup"]


def test_a_trial_whose_process_died_before_queueing_it_again_is_not_lost(
    tones, tmp_path, quick_config, made, monkeypatch
):
    monkeypatch.setattr(trials, "POLL_SECONDS", 0.1)
    options = {"search": "grid", "space": MIXUPS, "storage": str(tmp_path / "study.db")}
    tune(tones, quick_config, trials=1, output_dir=tmp_path / "one", **options)
    study = optuna.load_study(study_name="audiocls", storage=f"sqlite:///{options['storage']}")
    study.tell(study.ask(), state=TrialState.FAIL)
    found = tune(tones, quick_config, output_dir=tmp_path / "all", **options)
    assert sorted(row.settings["mixup"] for row in found.rows) == MIXUPS["mixup"]


def test_many_open_a_new_study_at_once(tmp_path):
    def opened(_):
        return open_study(url, TurnSampler("tpe", {}, 0), make_pruner("tpe", None), ABOUT, "audiocls")._study_id

    url = storage_url(str(tmp_path / "deep" / "study.db"))
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(opened, range(8)))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "crnn"}, "holds a study whose model is cnn, not crnn; choose another --storage"),
        ({"n_mels": 32}, "holds a study with n_mels = 64, not 32"),
        ({"seed": 7}, "holds a study of other data"),
        ({"search": "random"}, "whose search is grid, not random"),
        ({"folds": 4}, "whose folds is 5, not 4"),
        ({"space": {"mixup": [0.0, 0.5]}}, "whose space is "),
    ],
)
def test_a_study_about_something_else_is_one_line(tones, tmp_path, quick_config, made, change, message):
    options = {"search": "grid", "space": MIXUPS, "storage": str(tmp_path / "study.db"), "trials": 1}
    tune(tones, quick_config, output_dir=tmp_path / "one", **options)
    settings = {name: value for name, value in change.items() if name in quick_config.to_dict()}
    options |= {name: value for name, value in change.items() if name not in settings}
    with pytest.raises(UsageError, match=message) as error:
        tune(tones, quick_config.replaced(**settings), output_dir=tmp_path / "two", **options)
    assert "\n" not in str(error.value)
    assert len(made.calls) == 1


def test_a_study_of_other_sounds_is_refused(tones, tmp_path, quick_config, made, make_folder):
    other = make_folder(tmp_path / "others", low=6, high=6)
    storage = str(tmp_path / "study.db")
    tune(tones, quick_config, search="grid", space=MIXUPS, storage=storage, output_dir=tmp_path / "one")
    with pytest.raises(UsageError, match=r"study of tones \(other clips, labels or division\), not of others"):
        tune(other, quick_config, search="grid", space=MIXUPS, storage=storage, output_dir=tmp_path / "two")
    again = tune(
        other, quick_config, search="grid", space=MIXUPS, storage=storage, output_dir=tmp_path / "two", study="second"
    )
    assert len(again.rows) == 4


def test_what_cannot_hold_a_study_is_one_line(tmp_path):
    sampler, pruner = TurnSampler("tpe", {}, 0), make_pruner("tpe", None)
    (tmp_path / "text.db").write_text("this is no database " * 20)
    with pytest.raises(OutputError, match="file is not a database") as error:
        open_study(storage_url(str(tmp_path / "text.db")), sampler, pruner, ABOUT, "audiocls")
    assert "\n" not in str(error.value)
    with pytest.raises(OutputError, match="the study cannot be kept there"):
        open_study(storage_url(str(tmp_path / "text.db" / "study.db")), sampler, pruner, ABOUT, "audiocls")
    foreign = f"sqlite:///{tmp_path / 'foreign.db'}"
    optuna.create_study(storage=foreign, study_name="audiocls").ask()
    with pytest.raises(UsageError, match="holds a study of other making"):
        open_study(foreign, sampler, pruner, ABOUT, "audiocls")
