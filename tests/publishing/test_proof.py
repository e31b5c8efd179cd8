"""The proof finds that a published model is the trained one, and every way in which it is not."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from huggingface_hub import HfApi
from transformers import AutoModelForAudioClassification

from audiocls import AudioClassifier
from audiocls.models.denoising import denoise_settings
from audiocls.publishing import proof_script
from audiocls.publishing.probes import probe_clips
from audiocls.publishing.proof import prove
from tests.pretrained.tiny_backbones import write_backbone
from tests.small_models import write_small_model

SCRIPT = proof_script.__file__


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    """Where the proof works; it must be as empty afterwards as it was."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = psutil.Process().children()  # of other tests, such as a tracker of shared memory
    yield
    assert not list(folder.glob("audiocls_proof_*"))
    assert not set(psutil.Process().children()) - set(before)


@pytest.fixture
def publish(hub, as_user):
    """Upload a folder as it is, and return the commit."""

    def upload(folder, repo_id="me/sounds", private=False):
        as_user("hf_me")
        HfApi().create_repo(repo_id, private=private, exist_ok=True)
        return HfApi().upload_folder(folder_path=folder, repo_id=repo_id).oid

    return upload


@pytest.fixture
def model(tmp_path):
    """A folder with a model of ours."""
    return write_small_model(tmp_path / "model")


@pytest.fixture
def bare_model(tmp_path):
    """A folder with a small model that transformers knows, of three labels."""
    folder = write_backbone("wav2vec2", tmp_path / "bare")
    labels = {0: "dog", 1: "cat", 2: "owl"}
    model = AutoModelForAudioClassification.from_pretrained(
        folder, num_labels=3, id2label=labels, label2id={n: i for i, n in labels.items()}, ignore_mismatched_sizes=True
    )
    torch.manual_seed(0)
    model.classifier.weight.data.normal_(std=0.02)
    model.save_pretrained(folder)
    return folder


def change_json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def assert_proved(proof):
    assert proof.problem is None
    assert proof.ok
    assert proof.clips == 5
    assert 0 <= proof.largest_difference <= 1e-4
    assert proof.seconds > 0
    assert set(proof.versions) == {"transformers", "torch"}
    assert proof.line.startswith("Loads with `pipeline`: in a fresh process without audiocls")
    assert "on 5 clips" in proof.line
    assert proof.line.endswith(f"(transformers {proof.versions['transformers']}, torch {proof.versions['torch']}).")
    assert not set(proof.line) & set("\n|*_<>/\\[]")


def assert_failed(proof, step, *words):
    assert not proof.ok
    assert proof.line == ""
    assert proof.problem.startswith(f"{step} failed: ")
    for word in words:
        assert word in proof.problem
    assert "\n" not in proof.problem
    assert "Traceback" not in proof.problem
    for secret in ("hf_me", "hf_other", tempfile.gettempdir(), str(Path.home())):
        assert secret not in proof.problem


@pytest.mark.parametrize(
    "settings",
    [
        # several labels a clip, more than pipeline gives unless asked, calibrated, a high rate
        {
            "labels": [f"bird {n}" for n in range(25)],
            "problem_type": "multi_label_classification",
            "sampling_rate": 48000,
            "logit_scale": [0.5 + n / 10 for n in range(25)],
            "logit_bias": [n / 10 - 1 for n in range(25)],
        },
        {"labels": ["no", "yes"], "sampling_rate": 44100, "window_seconds": 0.05},
    ],
    ids=["25 labels", "0.05 s"],
)
def test_models_of_ours_load(settings, publish, as_user, tmp_path):
    folder = write_small_model(tmp_path / "model", **settings)
    oid = publish(folder, private=True)
    as_user(None)
    said = []
    classifier = AudioClassifier.from_pretrained(folder)
    with pytest.MonkeyPatch.context() as patch:  # put back before the hub puts back its own
        for name in ("HF_HOME", "HF_MODULES_CACHE", "PYTHONPATH"):  # the fresh process knows nothing of these
            patch.setenv(name, str(tmp_path / "elsewhere"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        proof = prove(classifier, "me/sounds", oid, token="hf_me", trust_remote_code=True, say=said.append)
    assert_proved(proof)
    assert len(said) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_model_of_transformers_loads_without_running_its_code(bare_model, publish):
    """One that reduces noise first: pipeline cannot, which the line tells."""
    change_json(bare_model / "config.json", denoise=denoise_settings("stationary", 16000))
    (bare_model / "modeling_extra.py").write_text("raise SystemExit('this must not run')\n")
    publish(bare_model)
    classifier = AudioClassifier.from_pretrained(bare_model)
    clips = probe_clips(classifier.sampling_rate, 1.0)
    reduced = classifier.scores(clips, sampling_rate=16000)
    proof = prove(classifier, "me/sounds", None, trust_remote_code=False)
    assert_proved(proof)
    assert "after the noise reduction that `pipeline` itself does not do" in proof.line
    classifier.listener.denoiser = None
    assert np.abs(classifier.scores(clips, sampling_rate=16000) - reduced).max() > 1e-3


def test_a_model_in_memory_is_proved_by_the_installed_code(model, publish):
    oid = publish(model)
    classifier = AudioClassifier.from_pretrained(model)
    in_memory = AudioClassifier.of(classifier.model, None)
    with open(model / "networks.py", "a") as file:
        file.write("\n# changed\n")
    changed = publish(model)
    assert_proved(prove(in_memory, "me/sounds", oid, trust_remote_code=True))
    proof = prove(in_memory, "me/sounds", changed, trust_remote_code=True)
    assert_failed(proof, "download", "networks.py in the repository is not the one that was published")


def test_weights_of_another_model_are_found(bare_model, publish):
    classifier = AudioClassifier.from_pretrained(bare_model)
    other = AutoModelForAudioClassification.from_pretrained(bare_model)
    other.classifier.bias.data[1] += 0.01
    other.save_pretrained(bare_model)
    proof = prove(classifier, "me/sounds", publish(bare_model), trust_remote_code=False)
    assert_failed(proof, "compare", "the published model scores ", "where the trained one scores it 0.")


def test_labels_in_another_order_are_found(bare_model, publish):
    classifier = AudioClassifier.from_pretrained(bare_model)
    change_json(bare_model / "config.json", id2label={"0": "dog", "1": "owl", "2": "cat"})
    proof = prove(classifier, "me/sounds", publish(bare_model), trust_remote_code=False)
    assert_failed(proof, "compare", "the published model has label owl where the trained one has cat")


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "modeling_audiocls.py"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_no_code_runs_but_what_was_published(name, how, model, publish):
    """What may name or hold other code is compared before anything of it is looked at."""
    classifier = AudioClassifier.from_pretrained(model)
    content = (model / name).read_text()
    if how == "missing":
        (model / name).unlink()
    elif name == "config.json":
        change_json(model / name, auto_map={"AutoModelForAudioClassification": "other/evil--code.Model"})
    else:
        (model / name).write_text(content + "\n")
    oid = publish(model)
    (model / name).write_text(content)
    words = f"{name} is missing in" if how == "missing" else f"{name} in the repository is not the one that was pub"
    assert_failed(prove(classifier, "me/sounds", oid, trust_remote_code=True), "download", words)


def test_a_missing_feature_extractor_is_found(bare_model, publish):
    classifier = AudioClassifier.from_pretrained(bare_model)
    (bare_model / "preprocessor_config.json").unlink()
    assert_failed(prove(classifier, "me/sounds", publish(bare_model)), "load", "preprocessor_config.json")


def test_code_that_needs_audiocls_is_found(model, publish):
    classifier = AudioClassifier.from_pretrained(model)
    code = (model / "modeling_audiocls.py").read_text()
    line = "        waveform = input_values.float()\n"
    assert line in code
    hidden = "        import importlib\n\n        importlib.import_module('audiocls.errors')\n"
    (model / "modeling_audiocls.py").write_text(code.replace(line, hidden + line))
    proof = prove(classifier, "me/sounds", publish(model), trust_remote_code=True)
    assert_failed(proof, "predict", "audiocls")


def test_damaged_weights_are_found(bare_model, publish):
    classifier = AudioClassifier.from_pretrained(bare_model)
    weights = bare_model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert_failed(
        prove(classifier, "me/sounds", publish(bare_model)), "load", "incomplete metadata, file not fully covered"
    )


def test_what_cannot_be_fetched_is_told(model, publish, hub, as_user):
    classifier = AudioClassifier.from_pretrained(model)
    oid = publish(model, private=True)
    as_user(None)
    for token in (None, "hf_other", "hf_nobody"):
        proof = prove(classifier, "me/sounds", oid, token=token, trust_remote_code=True)
        assert_failed(proof, "download", "me/sounds")
    proof = prove(classifier, "me/sounds", "elsewhere", token="hf_me", trust_remote_code=True)
    assert_failed(proof, "download", "me/sounds has no revision elsewhere")


def test_a_hub_that_is_gone_is_told(model, hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    proof = prove(AudioClassifier.from_pretrained(model), "me/sounds", None, trust_remote_code=True)
    assert_failed(proof, "download", "the Hub cannot be reached")


def test_it_ends_in_time(model, publish, hub):
    oid = publish(model)
    hub.faults.add("slow", path="/resolve/", times=None, seconds=60)
    proof = prove(AudioClassifier.from_pretrained(model), "me/sounds", oid, trust_remote_code=True, timeout_seconds=3)
    assert_failed(proof, "download", "it was not done after 3 seconds")
    assert proof.seconds < 30


def test_it_can_be_interrupted(model, publish, hub):
    oid = publish(model)
    hub.faults.add("slow", path="/resolve/", times=None, seconds=60)
    classifier = AudioClassifier.from_pretrained(model)
    before = psutil.Process().children()
    seen = []

    def interrupt():
        seen.extend(set(psutil.Process().children()) - set(before))
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest's helpers ignore it
    timer = threading.Timer(2, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            prove(classifier, "me/sounds", oid, trust_remote_code=True, timeout_seconds=60)
    finally:
        signal.signal(signal.SIGINT, handler)
    timer.join()
    assert len(seen) == 1
    assert not seen[0].is_running()


def test_the_process_ends_with_the_one_that_started_it(tmp_path):
    (tmp_path / "job.json").write_text(json.dumps({"packages": [], "repo_id": "a/b", "revision": None}))
    process = subprocess.Popen(
        [sys.executable, "-I", SCRIPT, tmp_path / "job.json"],
        stdin=subprocess.PIPE,
        env={"HF_ENDPOINT": "http://127.0.0.1:9", "HOME": str(tmp_path)},
    )
    process.stdin.close()
    assert process.wait(30) == 1
    answer = tmp_path / "answer.json"  # not even begun, if the end came at once
    assert not answer.exists() or json.loads(answer.read_text())["finished"] is False


def test_audiocls_cannot_be_imported_there():
    code = (
        "import importlib, importlib.util, runpy, sys\n"
        "def there(name):\n"
        "    try:\n        importlib.import_module(name)\n"
        "    except ImportError:\n        return False\n"
        "    return True\n"
        "if sys.argv[2] == 'forbid': runpy.run_path(sys.argv[1])['forbid_audiocls']()\n"
        "print(there('audiocls'), there('audiocls.errors'), importlib.util.find_spec('audiocls') is not None)\n"
        "print([name for name in sys.modules if 'audiocls' in name and sys.modules[name] is not None "
        "and 'editable' not in name])\n"
    )
    lines = {}
    for what in ("allow", "forbid"):
        done = subprocess.run([sys.executable, "-I", "-c", code, SCRIPT, what], capture_output=True, text=True)
        lines[what] = done.stdout.splitlines()
    assert lines["allow"][0] == "True True True"  # it is installed: the guard is what keeps it out
    assert lines["forbid"] == ["False False False", "[]"]
