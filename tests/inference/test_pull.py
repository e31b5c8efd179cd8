"""Models of the Hub by id and revision: what is fetched, what is said when it cannot be, whose code runs."""

import errno
import json
import pickle
import shutil
import subprocess
import sys
import time

import pytest
import torch
from huggingface_hub import constants
from transformers import BertConfig, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

from audiocls import AudioClassifier, __version__
from audiocls.cli import main
from audiocls.errors import ModelError, UsageError
from audiocls.hub import cache
from audiocls.inference import download
from audiocls.inference.loading import load_model
from audiocls.pretrained.backbone import base_model_id, find_backbone
from tests.hub_server.fixtures import hub_environment
from tests.small_models import SOUNDS, write_small_model
from tests.stored_models import store_files

CLIP = next(iter(sorted(SOUNDS.glob("*/*.ogg"))))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = write_small_model(tmp_path_factory.mktemp("models") / "small")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (folder / "curves.png").write_bytes(b"\x89PNG picture")
    (folder / "predictions.csv").write_text("file,label\n")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "examples").mkdir()
    (folder / "examples" / "drum.ogg").write_bytes(b"OggS sound")
    (folder / "examples" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(original, tmp_path / "my model")


@pytest.fixture
def published(hub, original):
    """The id of a model on the hub."""
    store_files(hub, "me/sounds", original)
    return "me/sounds"


def message_of(target, **options):
    with pytest.raises(ModelError) as caught:
        load_model(target, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "http://127" not in message or "ask for access" in message or "/settings/tokens" in message
    return message


def edit_config(folder, **changes):
    path = folder / "config.json"
    config = {k: v for k, v in (json.loads(path.read_text()) | changes).items() if v is not None}
    path.write_text(json.dumps(config))
    return folder


def asked(hub, pattern="/resolve/"):
    """Names of files that were fetched, with GET."""
    return sorted(
        each.path.rpartition("/")[2] for each in hub.requests if pattern in each.path and each.method == "GET"
    )


# ---- names and revisions


def test_every_kind_of_revision_is_found(hub, original, tmp_path):
    commits = {}
    for number, ref in enumerate(("refs/heads/main", "refs/heads/other", "refs/tags/v1", "refs/pr/1")):
        other = write_small_model(tmp_path / str(number), [f"a{number}", f"b{number}"])
        commits[ref] = store_files(hub, "me/sounds", other, ref=ref)
    for text, ref, label in (
        ("me/sounds", "refs/heads/main", "a0"),
        ("me/sounds@other", "refs/heads/other", "a1"),
        ("me/sounds@v1", "refs/tags/v1", "a2"),
        ("me/sounds@refs/pr/1", "refs/pr/1", "a3"),
        (f"me/sounds@{commits['refs/tags/v1']}", "refs/tags/v1", "a2"),
    ):
        classifier = AudioClassifier.from_pretrained(text)
        assert classifier.labels[0] == label
        assert classifier.name == text
        assert classifier.origin == f"me/sounds@{commits[ref]}"
        assert classifier.notes[-1].startswith(f"me/sounds at {commits[ref][:7]}: ")
    assert AudioClassifier.from_pretrained("me/sounds", revision="v1").labels[0] == "a2"
    assert AudioClassifier.from_pretrained("me/sounds@v1", revision="v1").labels[0] == "a2"


def test_two_revisions_are_one_too_many(published, folder):
    with pytest.raises(UsageError, match="names another one"):
        load_model("me/sounds@v1", revision="v2")
    with pytest.raises(UsageError, match="it must be a branch"):
        load_model("me/sounds", revision="../v2")
    with pytest.raises(UsageError, match="is a folder here"):
        load_model(folder, revision="v2")


def test_a_folder_of_that_name_comes_first(hub, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    shutil.copytree(folder, "me/sounds")
    shutil.copytree(folder, "me/sounds@v1")
    assert load_model("me/sounds").name == "sounds"
    assert load_model("me/sounds@v1").origin == "sounds@v1"
    assert load_model("me/sounds@v1").notes == ()
    assert hub.requests == []


def test_the_main_branch_moves_and_a_commit_does_not(hub, original, tmp_path):
    first = store_files(hub, "me/sounds", original)
    assert load_model("me/sounds").origin.endswith(first)
    second = store_files(hub, "me/sounds", write_small_model(tmp_path / "new", ["x", "y"]))
    loaded = load_model("me/sounds")
    assert loaded.origin.endswith(second)
    assert loaded.model.config.num_labels == 2
    assert load_model(f"me/sounds@{first}").model.config.num_labels == 7


@pytest.mark.parametrize("command", ["predict", "evaluate", "events", "detect", "calibrate"])
def test_every_command_takes_a_revision(hub, original, tmp_path, make_folder, capsys, command):
    small = write_small_model(tmp_path / "small", ["high", "low"])
    (small / "curves.png").write_bytes(b"\x89PNG picture")
    commit = store_files(hub, "me/sounds", small, ref="refs/tags/v1")
    store_files(hub, "me/sounds", original)
    data, out = make_folder(tmp_path / "data", high=12, low=12), tmp_path / "out"
    recording = next((data / "high").glob("*.wav"))
    (tmp_path / "truth.csv").write_text(f"file,start,end,label\n{recording.name},0.0,0.2,high\n")
    arguments = {
        "predict": ["predict", "me/sounds@v1", data / "high"],
        "evaluate": ["evaluate", "me/sounds@v1", data, "--output_dir", out, "--no-check_labels"],
        "events": ["evaluate", "me/sounds@v1", recording, "--events", tmp_path / "truth.csv", "--output_dir", out],
        "detect": ["detect", "me/sounds@v1", data / "low", "--output_dir", out, "--no-pictures"],
        "calibrate": ["calibrate", "me/sounds@v1", data, "--output_dir", out],
    }[command]
    code = main([str(argument) for argument in arguments])
    assert code == 0, capsys.readouterr().err
    if command == "detect":
        assert json.loads((out / "detection.json").read_text())["model"] == f"me/sounds@{commit}"
    if command == "calibrate":
        assert (out / "curves.png").is_file()  # all that lay beside it goes along


def test_the_app_serves_a_revision_with_its_pictures_and_says_which(hub, original, capsys, monkeypatch):
    commit = store_files(hub, "me/sounds", original, ref="refs/tags/v1")
    from audiocls.ui import app

    served = []

    def launch(classifier, *where, **more):
        served.append(classifier)
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "launch", launch)
    monkeypatch.setattr(app, "check_address", lambda host, port: None)
    monkeypatch.setattr(app, "end_process", lambda: 0)
    assert app.main(["--model", "me/sounds@v1"]) == 0
    assert (served[0].folder / "curves.png").is_file()
    assert f"me/sounds at {commit[:7]}" in capsys.readouterr().err


def test_a_pretrained_model_of_a_revision(hub, strange, folder):
    as_wav2vec2(strange)
    store_files(hub, "me/body", strange, ref="refs/tags/v1")
    store_files(hub, "me/body", {"README.md": b"moved"})
    store_files(hub, "me/sounds", folder)
    assert (find_backbone("me/body@v1") / "model.safetensors").is_file()
    hub.requests.clear()
    find_backbone("me/body@v1")
    assert hub.requests == []  # one training, one commit
    assert base_model_id("me/body@v1") == "me/body"
    with pytest.raises(ModelError, match="is empty on the Hub; without the Hub, `audiocls weights"):
        find_backbone("me/body")
    with pytest.raises(ModelError, match="is of type audiocls, no pretrained audio model"):
        find_backbone("me/sounds")
    assert "model.safetensors" not in asked(hub)


# ---- what is fetched


def test_only_what_is_needed_is_fetched_and_only_once(hub, published):
    loaded = load_model(published)
    code = {path.name for path in loaded.folder.glob("*.py")}
    assert code
    expected = {"config.json", "model.safetensors", "preprocessor_config.json", "README.md", *code}
    assert set(asked(hub)) == expected
    assert {path.name for path in loaded.folder.iterdir()} == expected
    hub.requests.clear()
    again = load_model(published)
    assert [each.path for each in hub.requests] == ["/api/models/me/sounds"]
    hub.requests.clear()
    load_model(again.origin)
    assert hub.requests == []


def test_more_is_fetched_when_asked_for_and_done_without_when_it_cannot_be(hub, published):
    loaded = load_model(published)
    loaded.fetch(["*.png", "*.csv", "none.txt"])
    assert {"curves.png", "predictions.csv"} <= {path.name for path in loaded.folder.iterdir()}
    hub.faults.add(403, times=None)
    loaded.fetch(["tokenizer.json"])
    assert not (loaded.folder / "tokenizer.json").exists()


def test_names_that_lead_out_of_the_folder_are_never_fetched(hub, folder):
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    strange = {"../../../evil.py": b"x", "sub/modeling_sub.py": b"x", "/etc/evil.py": b"x", "..\\evil.py": b"x"}
    store_files(hub, "me/sounds", files | strange)
    loaded = load_model("me/sounds")
    assert not [name for name in asked(hub) if "evil" in name or "sub" in name]
    assert all(path.parent == loaded.folder for path in loaded.folder.rglob("*"))


def test_a_progress_bar_is_for_large_files_alone(published, monkeypatch, capsys):
    bars = []

    class Noted(cache.tqdm):
        def __init__(self, *args, **options):
            bars.append(options)
            super().__init__(*args, **options)

    monkeypatch.setattr("huggingface_hub.utils.are_progress_bars_disabled", lambda: False)
    monkeypatch.setattr(cache, "tqdm", Noted)
    load_model(published)
    assert all(options["disable"] is True for options in bars)
    assert capsys.readouterr() == ("", "")
    shutil.rmtree(constants.HF_HUB_CACHE)
    monkeypatch.setattr(cache, "_BAR_FROM_BYTES", 1)
    bars.clear()
    load_model(published)
    shown = [options for options in bars if options["disable"] is not True]
    assert max(options["total"] for options in shown) > 100_000
    bars.clear()
    load_model(published)
    assert all(options["disable"] is True for options in bars)


def test_two_processes_at_once_fetch_the_same_model(hub, published):
    code = "from audiocls.inference.download import find_model; print(find_model('me/sounds').folder)"
    environment = hub_environment(hub)
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    folders = {process.communicate(timeout=60)[0] for process in both}
    assert len(folders) == 1
    assert load_model(folders.pop().strip()).model.config.num_labels == 7


def test_what_went_up_through_xet_comes_down_through_it(hub, original):
    code = f"""
from huggingface_hub import HfApi
from audiocls import AudioClassifier
HfApi().create_repo("me/by-xet")
HfApi().upload_folder(repo_id="me/by-xet", folder_path={str(original)!r})
print(AudioClassifier.from_pretrained("me/by-xet").labels)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=hub_environment(hub, "hf_me", xet=True),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert any(request.path.startswith("/cas/v1/reconstructions/") for request in hub.requests)
    assert done.stdout.strip() == str(list(load_model(original).model.config.id2label.values()))


# ---- failures


def test_what_is_missing_private_or_gated_is_said_plainly(hub, original, as_user):
    store_files(hub, "me/secret", original, private=True)
    store_files(hub, "lab/gated", original, gated="manual")
    assert message_of("me/none") == (
        "me/none: no such folder here, and there is no model me/none on the Hub (a private one needs `hf auth login`)"
    )
    assert "there is no model me/secret on the Hub (a private one needs" in message_of("me/secret")
    told = message_of("lab/gated")
    assert told.startswith("lab/gated is gated: ask for access on http://")
    assert "then log in with `hf auth login`" in told
    as_user("hf_outsider")
    hub.access.tokens["hf_outsider"] = ("outsider", "read")
    assert "or the token in HF_TOKEN has no access to it" in message_of("me/secret")
    assert message_of("lab/gated").endswith("/lab/gated")
    as_user("hf_me")
    assert load_model("me/secret").name == "me/secret"
    assert load_model("lab/gated").name == "lab/gated"


def test_a_token_that_is_refused_is_not_shown(hub, published, as_user):
    as_user("hf_wrongwrongwrong")
    told = message_of(published)
    assert "the Hub refuses the token in HF_TOKEN" in told
    assert "wrongwrong" not in told


def test_a_data_set_or_a_space_is_no_model(hub):
    store_files(hub, "me/data", {"README.md": b""}, repo_type="dataset")
    store_files(hub, "me/space", {"app.py": b""}, repo_type="space")
    assert "me/data is a data set on the Hub, no model" in message_of("me/data")
    assert "me/space is a Space on the Hub, no model" in message_of("me/space")


def test_a_missing_revision_says_what_there_is(hub, published, original):
    for number in range(6):
        store_files(hub, published, original, ref=f"refs/tags/v{number}")
    told = message_of("me/sounds@v9")
    assert told == "me/sounds has no revision 'v9' on the Hub; it has main, v0, v1, v2, v3 and 2 more"
    assert "has no revision '0123456'" in message_of("me/sounds", revision="0123456")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({".gitattributes": b""}, "is empty on the Hub"),
        ({"model.ckpt": b"x", "README.md": b"---\nlibrary_name: speechbrain\n---\n"}, "made for speechbrain"),
        ({"model.safetensors": b"x"}, "is no model of transformers: it has no config.json"),
        ({"config.json": b'{"model_type": "audiocls"}', "model.onnx": b"x"}, "no weights that transformers reads"),
        ({"config.json": b"{broken", "model.safetensors": b"x"}, "is not valid JSON"),
        ({"config.json": b" " * 21_000_000, "model.safetensors": b"x"}, "which no such file has"),
    ],
)
def test_a_repository_that_is_no_model_of_transformers(hub, files, message):
    store_files(hub, "me/odd", files)
    assert message in message_of("me/odd")
    assert "model.safetensors" not in asked(hub)


def test_a_model_of_texts_is_refused_before_its_weights_are_fetched(hub, tmp_path):
    BertConfig(architectures=["BertForSequenceClassification"]).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"much")
    store_files(hub, "me/words", tmp_path)
    assert "type bert, which is no audio classification model" in message_of("me/words")
    assert "model.safetensors" not in asked(hub)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (500, "the Hub is out of order (500)"),
        (503, "the Hub is out of order (503)"),
        (429, "takes no more requests for now"),
        (403, "the Hub forbids it"),
        ("drop", "the connection to the Hub broke off"),
    ],
)
def test_a_hub_that_does_not_answer_is_said_in_one_line(hub, published, fault, message, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.faults.add(fault, times=None)
    assert message in message_of(published)


@pytest.mark.parametrize("fault", [500, 429, "drop"])
def test_a_failure_that_passes_is_waited_for(hub, published, fault, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.faults.add(fault, at=1)
    assert load_model(published).name == published


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_an_interrupted_download_goes_on_and_keeps_what_is_whole(hub, published, kind, monkeypatch):
    real, wanted = time.sleep, iter([0])
    monkeypatch.setattr(time, "sleep", lambda seconds: real(min(seconds, 0.01)))
    hub.faults.add(kind, path=r"/resolve/.*safetensors", times=None, method="GET")
    assert "the connection to the Hub broke off" in message_of(published)
    assert list(wanted) == [0]
    hub.faults.clear()
    hub.requests.clear()
    assert load_model(published).name == published
    assert asked(hub) == ["model.safetensors"]


def test_what_came_damaged_is_not_used(hub, published, monkeypatch):
    content = hub.files(published)["model.safetensors"]
    blob = next(path for path in (hub.root / "blobs").iterdir() if path.stat().st_size == len(content))
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "model.safetensors came damaged" in message_of(published)
    blob.write_bytes(content)
    assert load_model(published).name == published


def test_a_file_of_the_cache_that_was_cut_short_is_fetched_again(hub, published):
    weights = load_model(published).folder / "model.safetensors"
    content = weights.read_bytes()
    weights.resolve().write_bytes(content[:1000])
    hub.requests.clear()
    load_model(published)
    assert asked(hub) == ["model.safetensors"]
    assert weights.read_bytes() == content


def test_a_disk_that_is_full(hub, published, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    told = message_of(published)
    assert "are needed" in told
    assert constants.HF_HUB_CACHE in told
    assert "HF_HOME" in told
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "is full"), (errno.EACCES, "cannot be written"), (errno.EROFS, "cannot be written")],
)
def test_a_cache_that_cannot_hold_it(hub, published, monkeypatch, number, message):
    def fail(*args, **options):
        raise OSError(number, "no", f"{constants.HF_HUB_CACHE}/models--me--sounds/blobs/abc.incomplete")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    told = message_of(published)
    assert message in told
    assert constants.HF_HUB_CACHE in told
    assert "HF_HOME" in told


def test_a_cache_that_is_no_folder(hub, published, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    assert "HF_HOME" in message_of(published)


def test_the_command_line_prints_one_line_and_returns_1(hub, as_user, capsys):
    as_user("hf_wrongwrongwrong")
    assert main(["predict", "me/none@v1", str(CLIP)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("audiocls: me/none: the Hub refuses the token")


# ---- without the network


def test_offline_the_cache_is_enough(hub, published, monkeypatch, original):
    commit = load_model(published).origin
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert load_model(published).origin == commit
    assert hub.requests == []
    told = message_of("me/none")
    assert told == "me/none is not in the cache, and HF_HUB_OFFLINE keeps from asking the Hub; unset it once"
    assert "me/sounds@v9 is not in the cache" in message_of("me/sounds@v9")


def test_with_a_dead_network_the_cached_commit_is_used_at_once_and_that_is_said(hub, published, monkeypatch):
    commit = load_model(published).origin.partition("@")[2]
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", "http://127.0.0.1:9")
    started = time.monotonic()
    loaded = load_model(published)
    assert time.monotonic() - started < 3
    assert "cannot be reached: no connection to 127.0.0.1:9" in loaded.notes[0]
    assert loaded.notes[0].endswith(f"using me/sounds as the cache has it, at {commit[:7]}")
    assert "me/none: the Hub cannot be reached: no connection" in message_of("me/none")


@pytest.mark.parametrize("fault", [500, 429, "drop", "slow"])
def test_a_hub_that_fails_is_not_waited_for_when_the_cache_is_warm(hub, published, monkeypatch, fault):
    load_model(published)
    monkeypatch.setattr(download, "_PATIENCE_WITH_CACHE_SECONDS", 0.2)
    hub.requests.clear()
    hub.faults.add(fault, times=None, **({"seconds": 1.0} if fault == "slow" else {}))
    assert "using me/sounds as the cache has it" in load_model(published).notes[0]
    assert len(hub.requests) == 1


def test_what_is_in_the_cache_in_part_is_not_used_offline(hub, published, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.faults.add("drop", path="safetensors", times=None)
    message_of(published)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "me/sounds is not in the cache" in message_of(published)


def test_an_older_whole_commit_serves_offline_when_the_new_one_came_in_part(hub, published, tmp_path, monkeypatch):
    first = load_model(published).origin
    store_files(hub, published, write_small_model(tmp_path / "new", ["x", "y"]))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.faults.add("drop", path="safetensors", times=None)
    message_of(published)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_model(published).origin == first


# ---- code that came along


def test_our_own_code_is_recognised(published):
    assert load_model(published).notes[0].endswith(f": its code is that of audiocls {__version__}")


def test_code_that_differs_is_told_and_not_run(hub, folder):
    with (folder / "modeling_audiocls.py").open("a") as file:
        file.write("\nraise SystemExit('downloaded code has run')\n")
    store_files(hub, "me/sounds", folder)
    for trust in (False, True):
        loaded = load_model("me/sounds", trust_remote_code=trust)
        assert type(loaded.model).__module__ == "audiocls.models.modeling_audiocls"
        assert "its code differs from that of audiocls" in loaded.notes[0]
        assert "modeling_audiocls.py" in loaded.notes[0]


def test_foreign_code_under_our_name_is_never_run(hub, folder):
    (folder / "evil.py").write_text("raise SystemExit('downloaded code has run')\n")
    edit_config(folder, auto_map={"AutoConfig": "evil.C", "AutoModelForAudioClassification": "evil.M"})
    store_files(hub, "me/sounds", folder)
    loaded = load_model("me/sounds", trust_remote_code=True)
    assert type(loaded.model).__module__ == "audiocls.models.modeling_audiocls"
    assert "evil.py is no code of audiocls" in loaded.notes[0]


STRANGE = """
from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification


class StrangeConfig(Wav2Vec2Config):
    model_type = "strange"


class StrangeModel(Wav2Vec2ForSequenceClassification):
    config_class = StrangeConfig
    version = {version}
"""


@pytest.fixture
def strange(tmp_path):
    """A model of a type that transformers does not know."""
    folder = tmp_path / "strange"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    small = {"conv_dim": [8] * 2, "conv_stride": [5, 4], "conv_kernel": [10, 4], "num_feat_extract_layers": 2}
    config = Wav2Vec2Config(**sizes, **small, classifier_proj_size=8, num_conv_pos_embedding_groups=2)
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    auto = {"AutoConfig": "strange.StrangeConfig", "AutoModelForAudioClassification": "strange.StrangeModel"}
    edit_config(folder, model_type="strange", architectures=["StrangeModel"], auto_map=auto)
    (folder / "strange.py").write_text(STRANGE.format(version=1))
    return folder


def as_wav2vec2(strange):
    """Make it a model of a type that transformers knows."""
    edit_config(strange, model_type="wav2vec2", architectures=["Wav2Vec2ForSequenceClassification"], auto_map=None)
    (strange / "strange.py").unlink()
    return strange


def test_code_of_a_foreign_type_is_run_with_the_flag_and_from_the_same_commit(hub, strange):
    first = store_files(hub, "me/strange", strange)
    (strange / "strange.py").write_text(STRANGE.format(version=2))
    second = store_files(hub, "me/strange", strange)
    told = message_of("me/strange")
    assert "read strange.py" in told
    assert "--trust_remote_code" in told
    for commit, version in ((first, 1), (second, 2)):
        loaded = load_model(f"me/strange@{commit}", trust_remote_code=True)
        assert loaded.model.version == version
        assert loaded.notes == (f"me/strange at {commit[:7]}: it runs code of its own (strange.py)",)


def test_code_of_another_repository_is_never_run(hub, strange):
    edit_config(strange, auto_map={"AutoModelForAudioClassification": "evil/code--strange.StrangeModel"})
    store_files(hub, "me/strange", strange)
    assert "takes its code from another repository (evil/code)" in message_of("me/strange", trust_remote_code=True)


class Bomb:
    def __reduce__(self):
        return (print, ("a pickle has run",))


def test_pickled_weights_make_tensors_and_nothing_else(hub, strange, capsys):
    as_wav2vec2(strange)
    model = load_model(strange).model
    (strange / "model.safetensors").unlink()
    torch.save(model.state_dict(), strange / "pytorch_model.bin")
    store_files(hub, "me/older", strange)
    assert load_model("me/older").notes[0].endswith("built by transformers alone")
    with (strange / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"weight": Bomb()}, file, protocol=2)
    store_files(hub, "me/bomb", strange)
    assert "cannot be loaded" in message_of("me/bomb")
    assert "a pickle has run" not in capsys.readouterr().out


# ---- configurations that no sane model has


@pytest.mark.parametrize(
    "changes",
    [
        {"num_labels": 10_000_000, "id2label": None},
        {"num_labels": -1},
        {"num_labels": "many", "id2label": None},
        {"id2label": []},
        {"id2label": {"0": "a", "5": "b"}},
        {"id2label": {"x": "a"}},
        {"id2label": {"0": ["a"], "1": "b"}},
        {"id2label": {str(i): "x" for i in range(100_001)}},
        {"n_fft": 10**9},
        {"n_mels": 10**9},
        {"window_seconds": 1e12},
        {"sampling_rate": 10**30},
        {"hop_length": 1, "window_seconds": 3600, "sampling_rate": 1_000_000},
        {"network": {"widths": [10**6] * 4}},
        {"architecture": "trees", "network": {"trees": 10**7, "nodes": 10**7, "leaves": 10**7}},
        {"architecture": "crnn", "network": {"hidden": 10**6}},
        {"network": []},
        {"model_type": ["audiocls"]},
        {"architectures": "x"},
        {"auto_map": "x"},
        {"architecture": {"a": 1}},
        {"features": 3},
        {"dtype": "strange"},
        {"id2label": None},
        {"feature_mean": ["x"]},
        {"rejection": {"views": 10**7}},
    ],
    ids=str,
)
def test_a_hostile_configuration_ends_in_one_line(folder, changes):
    if len(str(changes)) > 10_000:
        edit_config(folder, label2id=None)
    edit_config(folder, **changes)
    started = time.monotonic()
    with pytest.raises(ModelError) as caught:
        AudioClassifier.from_pretrained(folder, device="cpu")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "changes",
    [{"hidden_size": 9_000_000}, {"num_hidden_layers": 10**6}, {"num_hidden_layers": 900, "hidden_size": 4096}],
)
def test_a_foreign_configuration_that_asks_for_the_whole_memory(strange, changes):
    edit_config(as_wav2vec2(strange), **changes)
    started = time.monotonic()
    message_of(strange)
    assert time.monotonic() - started < 10


def test_a_configuration_that_is_nested_without_end(folder):
    (folder / "config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    assert "is not valid JSON" in message_of(folder)


def test_an_id_that_no_repository_can_have(hub):
    for text in ("me/sounds@", "me/a b", "me/a/b/c", "me/..", "me/sounds@../../x"):
        assert "there is no such folder" in message_of(text)
    assert hub.requests == []
