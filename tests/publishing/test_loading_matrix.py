"""Every kind of model, got from the Hub by its id in every way that a card names, gives the scores it has here.

Each way is one process with an empty cache, in an environment that holds what the card says to install and no more.
"""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from huggingface_hub import HfApi

from audiocls import AudioClassifier
from audiocls.card import model_card
from tests.closed_environment import closed_environment
from tests.hub_server import Hub, serve
from tests.hub_server.client import hub_environment, pointed_at
from tests.publishing import listen
from tests.tiny_trainings import BARE, KINDS, train_kind, write_sounds, write_tiny_whisper

# huggingface_hub uploads files in a way that its own HTTP library warns of; here warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ROOT = Path(__file__).parents[2]
TOKEN = "hf_me"  # the repositories are private
WAYS = {
    "bare": ("path", "array", "batch"),
    "trust_remote_code": ("path", "array", "batch"),
    "import audiocls": ("path", "array", "batch"),
    "AudioClassifier": ("path", "array", "batch"),
    "audiocls predict": ("path", "batch"),
}


@pytest.fixture(scope="module")
def sounds(make_tone, tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("sounds"), make_tone)


@pytest.fixture(scope="module")
def clips(sounds):
    """Files that fit into one window, so that `pipeline` hears what AudioClassifier hears."""
    return [str(sounds / name) for name in ("low/low_1.wav", "high/high_0.wav", "high/high_7.wav")]


@pytest.fixture(scope="module")
def folders(sounds, tmp_path_factory):
    """The model folder of a short training of each kind."""
    root = tmp_path_factory.mktemp("runs")
    backbone = write_tiny_whisper(tmp_path_factory.mktemp("backbone") / "tiny")
    return {
        kind: train_kind(kind, sounds, backbone, root / kind, num_epochs=1, leak_report=False).output_dir
        for kind in KINDS
    }


@pytest.fixture(scope="module")
def expected(folders, clips):
    """Scores here: kind -> (labels, scores float32 (clips, labels))."""
    found = {}
    for kind, folder in folders.items():
        classifier = AudioClassifier.from_pretrained(folder, device="cpu")
        found[kind] = classifier.labels, classifier.scores(clips)
    return found


@pytest.fixture(scope="module")
def published(folders, tmp_path_factory):
    """A running hub with the folders as private repositories, and the commit of each."""
    root = tmp_path_factory.mktemp("hub")
    hub = Hub(root / "hub")
    with serve(hub), pointed_at(hub, root / "home"):
        api = HfApi(endpoint=hub.url, token=TOKEN)
        commits = {}
        for kind, folder in folders.items():
            api.create_repo(f"me/{kind}", private=True)
            commits[kind] = api.upload_folder(folder_path=folder, repo_id=f"me/{kind}").oid
        yield hub, commits


@pytest.fixture(scope="module")
def environments(tmp_path_factory):
    """What the card says to install, and what audiocls needs."""
    template = (Path(model_card.__file__).parent / "model_card.md").read_text()
    line = re.search(r"^pip install (.+)$", template, re.MULTILINE)[1]
    needed = (ROOT / "requirements.txt").read_text().splitlines()
    root = tmp_path_factory.mktemp("environments")
    return {
        "card": closed_environment(line.split(), root / "card"),
        "audiocls": closed_environment([*needed, "audiocls"], root / "audiocls"),
    }


@pytest.fixture(scope="module")
def answers(published, environments, clips, tmp_path_factory):
    """What a process of each way says, each way once: mode -> model -> way in -> answers to the clips."""
    hub, commits = published
    known = {}

    def ask(mode):
        if mode in known:
            return known[mode]
        folder = tmp_path_factory.mktemp("job")
        arrays = []
        for number, path in enumerate(clips):
            arrays.append(str(folder / f"{number}.npy"))
            np.save(arrays[-1], soundfile.read(path, dtype="float32")[0])
        with_commit = mode in ("AudioClassifier", "audiocls predict")
        models = [f"me/{kind}@{commit[:12]}" if with_commit else f"me/{kind}" for kind, commit in commits.items()]
        job = {"mode": mode, "models": models, "files": clips, "arrays": arrays, "answers": str(folder / "answers")}
        (folder / "job.json").write_text(json.dumps(job))
        environment = environments["card" if mode in ("bare", "trust_remote_code") else "audiocls"]
        variables = hub_environment(hub, TOKEN) | {"HOME": str(folder), "OMP_NUM_THREADS": "1"}
        done = environment.run([listen.__file__, folder / "job.json"], env=variables, timeout=240, cwd=folder)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads((folder / "answers").read_text())
        known[mode] = {name.partition("@")[0].removeprefix("me/"): each for name, each in found.items()}
        return known[mode]

    return ask


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", WAYS)
def test_every_way_gives_the_same_scores(mode, kind, answers, expected):
    found = answers(mode)[kind]
    if mode == "bare" and kind not in BARE:
        assert re.search(r"trust_remote_code=True", found), found
        return
    assert tuple(found) == WAYS[mode]
    labels, scores = expected[kind]
    for way, answer in found.items():
        given = [[{row["label"]: row["score"] for row in each}[label] for label in labels] for each in answer]
        np.testing.assert_allclose(given, scores[: len(given)], atol=1e-4, err_msg=way)
        assert len(given) == (1 if (mode, way) == ("audiocls predict", "path") else len(scores))


@pytest.mark.parametrize("mode", ["bare", "trust_remote_code"])
def test_the_card_names_all_that_is_needed(mode, answers):
    """Nothing of audiocls, and nothing that only audiocls needs, was there to help."""
    assert not {"audiocls", "soundfile", "sklearn", "scipy", "gradio"} & set(answers(mode)["modules"])


def test_the_command_itself_predicts_from_an_empty_cache(published, environments, clips, expected, tmp_path):
    hub, commits = published
    command = environments["audiocls"].python.parent / "audiocls"
    variables = hub_environment(hub, TOKEN) | {"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    words = [command, "predict", f"me/forest@{commits['forest']}", clips[0], "--format", "jsonl", "--top_k", "0"]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    labels, scores = expected["forest"]
    given = {row["label"]: row["score"] for row in json.loads(done.stdout)["predictions"]}
    np.testing.assert_allclose([given[label] for label in labels], scores[0], atol=1e-4)
