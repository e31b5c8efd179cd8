"""A model folder is published only if it is complete, safe, answers, and gives nothing away."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from audiocls.errors import AudioclsError, ModelError, UsageError
from audiocls.publishing import secrets_scan
from audiocls.publishing.checks import check_model_folder
from audiocls.publishing.folder_files import folder_files
from audiocls.publishing.secrets_scan import check_no_secrets
from tests.publishing.folders import CARD, model_folder
from tests.small_models import small_model, write_model

TOKEN = "hf_" + "aB3" * 12  # looks like one


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("models") / "sounds")


@pytest.fixture
def folder(complete, tmp_path):
    """A copy to spoil, of links to the weights, which no test changes."""
    copy = tmp_path / "sounds"
    copy.mkdir()
    for path in complete.iterdir():
        os.link(path, copy / path.name) if path.suffix == ".safetensors" else (copy / path.name).write_bytes(
            path.read_bytes()
        )
    return copy


@pytest.fixture(autouse=True)
def _nobody_logged_in(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))


def refused(folder, told, **how):
    with pytest.raises(ModelError, match=told) as error:
        check_model_folder(folder, **how)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_code_of_another_repository_is_refused(folder):
    settings = json.loads((folder / "config.json").read_text())
    settings["auto_map"] = {"AutoModelForAudioClassification": "other/evil--code.Model"}
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(settings))
    refused(folder, "config.json: auto_map takes code from another repository .other/evil.")


def test_a_complete_folder_passes_whole(complete):
    checked = check_model_folder(complete)
    names = {path.name for path in complete.iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "modeling_audiocls.py"} <= names
    assert set(checked.files) == names
    assert checked.classifier.labels
    assert checked.code == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("config.json", "configuration"),
        ("model.safetensors", "weights"),
        ("preprocessor_config.json", "feature extractor"),
        ("README.md", "model card"),
    ],
)
def test_what_is_missing_is_named(folder, name, told):
    (folder / name).unlink()
    refused(folder, rf"is no complete model folder: it lacks {name} \(the {told}\)")


def test_no_folder_and_a_training_that_has_not_finished(folder, tmp_path):
    with pytest.raises(UsageError, match="there is no such model folder"):
        check_model_folder(tmp_path / "nothing")
    refused(folder.rename(tmp_path / "sounds.partial"), "has not finished; go on with it")


def test_weights_that_do_not_fit_or_are_cut_off_are_found_by_loading(folder):
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    refused(folder, "cannot be loaded")


def test_scores_that_are_no_numbers_are_found_by_predicting(tmp_path):
    model = small_model()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    folder = write_model(model, tmp_path / "nan")
    (folder / "README.md").write_text(CARD)
    refused(folder, "scores that are no numbers")


def test_several_labels_need_not_sum_to_one(tmp_path):
    folder = model_folder(tmp_path / "many", problem_type="multi_label_classification")
    assert check_model_folder(folder).classifier.multi_label


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("a: [1", r"README\.md, line \d: the metadata at the top is no valid YAML"),
        ("- a\n- b", "no list of keys|not a list of keys"),
        ("library_name: keras\npipeline_tag: audio-classification", "library_name is 'keras'; it must be transformers"),
        ("library_name: transformers", "pipeline_tag is None; it must be audio-classification"),
        ("{}\nlicense: [Apache License]", "license is 'Apache License'; it must be an identifier"),
        ("{}\ntags: {a: 1}", "tags is .* must be a word or a list of words"),
        ("{}\ndatasets: [my data]", "datasets names 'my data', which cannot be a name on the Hub"),
        ("{}\nmodel-index: [1]", "model-index cannot be read"),
        ("{}\nmodel-index: [{name: x, results: [{task: {}}]}]", "model-index cannot be read"),
    ],
)
def test_a_card_that_the_hub_would_not_take(folder, metadata, told):
    good = "library_name: transformers\npipeline_tag: audio-classification"
    if metadata.startswith("{}"):
        metadata = good + metadata[2:]
    (folder / "README.md").write_text(f"---\n{metadata}\n---\n# x\n")
    assert "README.md" in refused(folder, told)


def test_a_card_without_metadata_or_that_is_no_text(folder):
    (folder / "README.md").write_text("# sounds\n")
    refused(folder, "has no metadata")
    (folder / "README.md").write_bytes(b"---\nlicense: m\xfft\n---\n")
    refused(folder, "is no text in UTF-8")


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        "/home/someone/sounds",
        "/Users/Some.One/x",
        r"C:\Users\someone\x",
        r"C:\\Users\\someone",
        "/tmp/abc/x.wav",
    ],
)
def test_a_token_or_a_path_of_any_machine_is_found_with_its_line(folder, secret):
    (folder / "notes.csv").write_text(f"a,b\n1,2\n3,{secret}\n")
    told = refused(folder, r"notes\.csv, line 3 holds a (token|path)")
    assert TOKEN not in told


def test_the_logins_own_token_is_found_whatever_it_looks_like_and_never_shown(folder):
    (folder / "training_config.json").write_text(json.dumps({"a": "secret-of-mine"}, indent=1))
    assert "secret-of-mine" not in refused(folder, "line 2 holds a token", token="secret-of-mine")


def test_the_token_of_the_login_is_looked_for(folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "odd token")
    (folder / "a.txt").write_text("odd token")
    refused(folder, "a.txt, line 1 holds a token")


def test_folders_of_this_machine_are_found_wherever_they_are(folder, monkeypatch, tmp_path):
    place = tmp_path / "some where"
    place.mkdir()
    monkeypatch.chdir(place)
    for told in (str(place), f"{place}/x", str(Path.home()), str(folder)):
        (folder / "a.json").write_text(json.dumps({"path": told}))
        refused(folder, r"a\.json, line 1 holds a path of a machine")


@pytest.mark.parametrize(
    "text",
    [
        "see https://huggingface.co/home/user/x and https://example.org/Users/me",
        "hf_hub_download hf_token hf_short " + "shf_" + "a" * 40,
        "the temporary folder /tmp, ./tmp/x and data/home/x",
        "/home of sounds",
    ],
)
def test_what_only_resembles_them_is_no_reason(folder, text):
    (folder / "a.txt").write_text(text)
    check_model_folder(folder)


def test_binary_files_are_searched_for_what_is_known_here(folder):
    (folder / "weights.safetensors").write_bytes(b"\0" * 1000 + str(folder).encode() + b"/x" + b"\0" * 10)
    refused(folder, r"weights\.safetensors holds a path of this machine")
    (folder / "weights.safetensors").write_bytes(b"\0" * 1000 + b"mine" + b"\0" * 10)
    refused(folder, r"weights\.safetensors holds a token", token="mine")


@pytest.mark.parametrize("at", [3999, 3990, 3963, 4000, 7995, 11980])
def test_what_lies_across_two_blocks_is_found_with_its_line(tmp_path, monkeypatch, at):
    monkeypatch.setattr(secrets_scan, "BLOCK_BYTES", 4000)
    lines = b"x" * 9 + b"\n"
    content = bytearray(lines * 1500)
    content[at : at + len(TOKEN) + 2] = b" " + TOKEN.encode() + b" "
    (tmp_path / "a.txt").write_bytes(content)
    line = bytes(content[: at + 1]).count(b"\n") + 1
    with pytest.raises(ModelError, match=f"a.txt, line {line} holds a token"):
        check_no_secrets({"a.txt": tmp_path / "a.txt"}, tmp_path)


def test_rubbish_stays_here_and_results_go_along(folder):
    for name in (".DS_Store", "__pycache__/x.pyc", "x.partial", ".git/config", "Thumbs.db", ".cache/a"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("/home/someone/x")
    for name in (".eval_results/mine.yaml", "examples/a.flac"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    files = check_model_folder(folder).files
    assert {name for name in files if "/" in name or name.startswith(".")} == {
        ".eval_results/mine.yaml",
        "examples/a.flac",
    }
    assert not {"x.partial", "Thumbs.db"} & set(files)
    assert "examples/a.flac" not in check_model_folder(folder, examples=False).files


def test_links_that_lead_out_are_refused_and_others_are_files(folder, tmp_path):
    (folder / "same.json").symlink_to(folder / "config.json")
    assert "same.json" in folder_files(folder)
    (tmp_path / "secret.txt").write_text("x")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    refused(folder, r"out\.txt is a link that leads out of the folder")
    (folder / "out.txt").unlink()
    (folder / "more").symlink_to(tmp_path)
    refused(folder, "more is a link to a folder")


def test_a_pipe_is_no_file(folder):
    os.mkfifo(folder / "pipe")
    refused(folder, "pipe is no regular file")


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "pytorch_model.bin", "a.joblib", "a.ckpt", "sub/a.PTH"])
def test_formats_that_hold_pickles_are_refused(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    refused(folder, "format that holds pickled objects, which can run anything")


def test_pickles_are_refused_under_any_name(folder):
    (folder / "a.dat").write_bytes(pickle.dumps({"a": 1}))
    refused(folder, r"a\.dat is a pickle")
    torch.save({"a": 1}, folder / "a.dat")
    refused(folder, r"a\.dat holds a pickle")
    (folder / "a.dat").unlink()
    np.save(folder / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refused(folder, r"a\.npy holds pickled objects")
    np.save(folder / "a.npy", np.zeros(3))
    np.savez(folder / "b.npz", a=np.zeros(3))
    assert {"a.npy", "b.npz"} <= set(folder_files(folder))
    np.savez(folder / "b.npz", a=np.array([None], dtype=object))
    refused(folder, r"b\.npz holds pickled objects")


def test_code_goes_along_only_if_it_is_ours_or_named(folder):
    (folder / "setup.py").write_text("print(1)\n")
    refused(folder, r"setup\.py is code that neither audiocls writes nor config\.json names")
    (folder / "setup.py").unlink()
    spectra = folder / "spectra.py"
    spectra.write_text(spectra.read_text() + "\n# changed\n")  # imported by the model that config.json names
    assert check_model_folder(folder).code == ["spectra.py"]


def test_a_file_name_that_the_hub_cannot_hold(folder):
    (folder / "a\nb.txt").write_text("x")
    refused(folder, "has a name that the Hub cannot hold")


def test_every_failure_is_a_known_one(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(AudioclsError):
        check_model_folder(folder)
