"""Publishing a model: one commit, proved, and pushed again without anything going up; failures say what is there."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi

from audiocls import AudioClassifier
from audiocls.errors import AudioclsError, HubError, ModelError, UsageError
from audiocls.hub import calls
from audiocls.publishing import push as pushing
from audiocls.publishing.changes import Plan
from audiocls.publishing.options import PushOptions
from audiocls.publishing.proof import Proof
from audiocls.publishing.push import push
from audiocls.publishing.repository import Repository
from tests.publishing.folders import model_folder

LINE = "Loads with `pipeline` and gives its scores."


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("models") / "sounds")


@pytest.fixture
def folder(complete, tmp_path):
    return Path(shutil.copytree(complete, tmp_path / "sounds"))


@pytest.fixture(autouse=True)
def proofs(monkeypatch):
    """What was to be proved; the real proof has tests of its own."""
    asked = []

    def prove(classifier, repo_id, revision, **how):
        asked.append((repo_id, revision, how["token"], how["trust_remote_code"]))
        return Proof(True, 5, 0.0, 1.0, {"torch": "2"}, None, LINE)

    monkeypatch.setattr(pushing, "prove", prove)
    monkeypatch.setattr(calls.time, "sleep", lambda seconds: None)
    return asked


def pushed(folder, repo_id="me/sounds", token="hf_me", say=None, **options):
    return push(folder, repo_id, PushOptions(**options), token=token, say=say)


def fails(folder, told, kind=HubError, **how):
    with pytest.raises(kind, match=told) as error:
        pushed(folder, **how)
    text = str(error.value)
    assert "\n" not in text
    assert "hf_me" not in text
    return text


def card(hub, repo_id="me/sounds", revision="main"):
    return hub.files(repo_id, revision=revision)["README.md"].decode()


def writes(hub):
    return [each for each in hub.requests if each.method != "GET" and each.method != "HEAD"]


def edit(repo_id, path, content, repo_type="model", token="hf_me"):
    """What a person changes on the Hub's own page."""
    HfApi(token=token).upload_file(
        path_or_fileobj=content.encode(), path_in_repo=path, repo_id=repo_id, repo_type=repo_type
    )


def test_a_model_goes_up_in_one_commit_is_proved_and_says_so(hub, folder, proofs):
    said = []
    result = pushed(folder, say=said.append)
    titles = [commit.title for commit in reversed(hub.commits("me/sounds"))]
    assert titles == ["initial commit", pushing.MESSAGE, pushing.BADGE_MESSAGE]
    stored = hub.files("me/sounds")
    for path in folder.iterdir():
        if path.name != "README.md":
            assert stored[path.name] == path.read_bytes()
    assert LINE in card(hub)
    assert '"me/sounds"' in card(hub)
    first, second = hub.commits("me/sounds")[1].oid, hub.commits("me/sounds")[0].oid
    assert proofs == [("me/sounds", first, "hf_me", True)]
    assert result.commit == second
    assert set(result.uploaded) == {path.name for path in folder.iterdir()}
    assert result.url == f"{hub.url}/me/sounds"
    text = "\n".join(said)
    assert "(model, public, new)" in text
    assert "model.safetensors" in text
    assert "no licence is known" in text
    assert "hf_me" not in text


def test_pushing_again_uploads_nothing_and_proves_again(hub, folder, proofs):
    first = pushed(folder)
    hub.requests.clear()
    said = []
    again = pushed(folder, say=said.append)
    assert not writes(hub)
    assert again.uploaded == again.deleted == ()
    assert again.commit == first.commit
    assert [revision for _, revision, _, _ in proofs][1] == first.commit
    assert "nothing to upload" in "\n".join(said)


def test_only_what_changed_goes_up_and_the_badge_is_earned_anew(hub, folder, monkeypatch):
    pushed(folder)
    (folder / "metrics.json").write_text("{}\n")
    result = pushed(folder)
    assert set(result.uploaded) == {"metrics.json", "README.md"}
    assert LINE in card(hub)
    assert LINE not in hub.files("me/sounds", revision=hub.commits("me/sounds")[1].oid)["README.md"].decode()


def test_ours_that_are_gone_are_deleted_theirs_stay(hub, folder):
    (folder / "leaderboard.csv").write_text("a\n")
    (folder / "examples").mkdir()
    (folder / "examples" / "a.txt").write_text("a\n")
    pushed(folder)
    edit("me/sounds", "theirs.md", "# Mine\n")
    edit("me/sounds", "modeling_old.py", "print(1)\n")
    (folder / "leaderboard.csv").unlink()
    result = pushed(folder, examples=False)
    assert set(result.deleted) == {"leaderboard.csv", "examples/a.txt", "modeling_old.py"}
    assert "theirs.md" in hub.files("me/sounds")
    assert ".gitattributes" in hub.files("me/sounds")


def test_what_people_wrote_into_the_card_stays(hub, folder):
    pushed(folder)
    edit("me/sounds", "README.md", card(hub).replace("tags:", "extra: theirs\ntags:") + "\n## My notes\n\nKeep this.\n")
    said = []
    (folder / "metrics.json").write_text("{}\n")
    pushed(folder, say=said.append)
    assert "## My notes\n\nKeep this." in card(hub)
    assert yaml.safe_load(card(hub).split("---")[1])["extra"] == "theirs"
    assert "stays in the card on the Hub: My notes" in said
    hub.requests.clear()
    assert pushed(folder).uploaded == ()
    assert not writes(hub)


def test_a_licence_goes_into_the_card(hub, folder):
    said = []
    pushed(folder, license="cc-by-4.0", say=said.append)
    assert yaml.safe_load(card(hub).split("---")[1])["license"] == "cc-by-4.0"
    assert not [line for line in said if "no licence" in line]


def test_a_branch_a_pull_request_and_the_proof_of_what_they_hold(hub, folder, proofs):
    pushed(folder)
    main = hub.files("me/sounds")
    (folder / "metrics.json").write_text("[1]\n")
    pushed(folder, revision="dev")
    assert hub.files("me/sounds", revision="dev")["metrics.json"] == b"[1]\n"
    assert LINE in card(hub, revision="dev")
    result = pushed(folder, create_pr=True)
    assert result.pull_request == f"{hub.url}/me/sounds/discussions/1"
    assert hub.files("me/sounds", revision="refs/pr/1")["metrics.json"] == b"[1]\n"
    assert LINE in card(hub, revision="refs/pr/1")
    assert proofs[-1][1] == hub.commits("me/sounds", revision="refs/pr/1")[1].oid
    assert hub.files("me/sounds") == main


def test_pushing_again_goes_to_the_same_pull_request(hub, folder):
    pushed(folder)
    (folder / "metrics.json").write_text("[1]\n")
    pushed(folder, create_pr=True)
    hub.requests.clear()
    assert pushed(folder, create_pr=True).uploaded == ()
    assert not writes(hub)
    (folder / "metrics.json").write_text("[2]\n")
    assert pushed(folder, create_pr=True).pull_request == f"{hub.url}/me/sounds/discussions/1"
    assert hub.files("me/sounds", revision="refs/pr/1")["metrics.json"] == b"[2]\n"


def test_anyone_may_open_a_pull_request(hub, folder):
    pushed(folder)
    (folder / "metrics.json").write_text("[1]\n")
    fails(folder, "me is neither you nor an organisation of yours; you may write to other", token="hf_other")
    result = pushed(folder, token="hf_other", create_pr=True)
    assert result.pull_request == f"{hub.url}/me/sounds/discussions/1"
    assert hub.files("me/sounds", revision="refs/pr/1")["metrics.json"] == b"[1]\n"
    assert result.proof.ok  # this server lets others not write to it again, so there is no badge


def test_private_and_organisations_and_names_alone(hub, folder):
    said = []
    assert pushed(folder, "sounds", private=True, say=said.append).repo_id == "me/sounds"
    assert "(model, private, new)" in "\n".join(said)
    assert hub.repository("me/sounds").private
    assert pushed(folder, "lab/sounds").repo_id == "lab/sounds"
    fails(folder, "lab/sounds is there and public; make it private", repo_id="lab/sounds", private=True)


def test_what_is_private_is_not_shown_to_anyone_by_pushing_again(hub, folder):
    pushed(folder, private=True)
    pushed(folder)
    assert hub.repository("me/sounds").private


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"token": None}, "there is no token of the Hub: log in with `hf auth login`, or set HF_TOKEN"),
        ({"token": "hf_me_read"}, "may only read"),
        ({"token": "hf_wrong"}, "the Hub does not know the token given"),
        ({"repo_id": "other/sounds"}, "other is neither you nor an organisation of yours"),
        ({"repo_id": "lab/sounds", "token": "hf_other"}, "you may only read in the organisation lab"),
        ({"repo_id": "me/my sounds"}, "' ' is not allowed"),
        ({"repo_id": "me/söunds"}, "'ö' is not allowed"),
        ({"repo_id": "a/b/c"}, "must be user/name"),
        ({"repo_id": "me/"}, "must be user/name"),
        ({"repo_id": "me/a..b"}, "cannot be a name on the Hub"),
        ({"repo_id": "me/-a"}, "cannot be a name on the Hub"),
        ({"repo_id": "me/" + "a" * 100}, "longer than 96"),
        ({"repo_id": "me/sounds@dev"}, "with the option revision"),
    ],
)
def test_who_may_not_push_is_told_before_anything_is_sent(hub, folder, how, told):
    text = fails(folder, told, **how)
    assert text.startswith("login: ")
    assert text.endswith("nothing on the Hub was changed")
    assert not writes(hub)
    assert not hub.repositories()


def test_a_folder_that_is_not_fit_is_not_sent(hub, folder):
    (folder / "notes.txt").write_text("/home/someone/x")
    fails(folder, r"notes\.txt, line 1 holds a path", ModelError)
    (folder / "notes.txt").unlink()
    (folder / "README.md").write_text("---\na: [1\n---\n")
    fails(folder, "no valid YAML", ModelError)
    assert not hub.requests


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("README.md", "---\nlibrary_name: keras\n---\n", "its card says library_name: keras"),
        ("README.md", "---\npipeline_tag: text-generation\n---\n", "its card says pipeline_tag: text-generation"),
        ("config.json", '{"architectures": ["BertForMaskedLM"]}', "a BertForMaskedLM"),
        ("config.json", "[1]", "a config.json that is no model's"),
        ("weights.gguf", "x", r"weights\.gguf"),
    ],
)
def test_something_else_under_that_name_is_not_overwritten(hub, folder, path, content, told):
    HfApi(token="hf_me").create_repo("me/sounds")
    edit("me/sounds", path, content)
    fails(folder, rf"me/sounds is there and holds something else \({told}\)")
    assert hub.files("me/sounds")[path] == content.encode()


def test_an_empty_repository_and_another_audio_classifier_may_be_written_to(hub, folder):
    HfApi(token="hf_me").create_repo("me/sounds")
    edit("me/sounds", "README.md", "---\nlicense: mit\n---\n# To come\n")
    pushed(folder)
    assert yaml.safe_load(card(hub).split("---")[1])["license"] == "mit"
    HfApi(token="hf_me").create_repo("me/other")
    edit("me/other", "config.json", json.dumps({"architectures": ["ASTForAudioClassification"]}))
    pushed(folder, "me/other")


def test_a_change_made_meanwhile_is_not_overwritten(hub, folder, monkeypatch):
    pushed(folder)
    commit = Repository.commit

    def late(self, plan: Plan, message):
        edit("me/sounds", "README.md", card(hub) + "\n## Meanwhile\n")
        return commit(self, plan, message)

    monkeypatch.setattr(Repository, "commit", late)
    (folder / "metrics.json").write_text("[1]\n")
    fails(folder, "model: me/sounds was changed on the Hub while this was uploaded; .*; nothing on the Hub was changed")
    assert "## Meanwhile" in card(hub)


def test_a_failed_proof_is_an_error_that_says_what_is_there(hub, folder, monkeypatch):
    failed = Proof(False, 5, None, 1.0, {}, "compare: scores differ by 0.3")
    monkeypatch.setattr(pushing, "prove", lambda *given, **how: failed)
    fails(folder, rf"proof: compare: scores differ by 0\.3; on the Hub is the model {hub.url}/me/sounds")
    assert "model.safetensors" in hub.files("me/sounds")
    assert LINE not in card(hub)


def test_no_proof_no_badge(hub, folder, proofs):
    result = pushed(folder, proof=False)
    assert result.proof is None
    assert proofs == []
    assert len(hub.commits("me/sounds")) == 2
    assert LINE not in card(hub)


@pytest.mark.parametrize("fault", ["drop", 500])
def test_a_failure_while_uploading_changes_nothing_and_the_same_again_completes(hub, folder, fault):
    pushed(folder)
    (folder / "metrics.json").write_text("[1]\n")
    before = hub.files("me/sounds")
    hub.faults.add(fault, method="POST", path="/commit/")
    assert fails(folder, "^model: ").endswith("nothing on the Hub was changed")
    assert hub.files("me/sounds") == before
    pushed(folder)
    assert hub.files("me/sounds")["metrics.json"] == b"[1]\n"


def test_a_new_repository_that_stayed_empty_is_told_and_filled_by_the_next_push(hub, folder):
    hub.faults.add("drop", method="POST", path="/commit/")
    text = fails(folder, f"the model {hub.url}/me/sounds was made, and is empty")
    assert "nothing on the Hub was changed" not in text
    pushed(folder)
    assert len(hub.commits("me/sounds")) == 3


def test_only_the_badge_is_missing(hub, folder, monkeypatch):
    prove = pushing.prove

    def prove_and_break(*given, **how):
        hub.faults.add("drop", method="POST", path="/commit/")
        return prove(*given, **how)

    monkeypatch.setattr(pushing, "prove", prove_and_break)
    fails(folder, f"^badge in the card: .*; on the Hub is the model {hub.url}/me/sounds$")
    assert LINE not in card(hub)
    monkeypatch.setattr(pushing, "prove", prove)
    assert pushed(folder).uploaded == ()
    assert LINE in card(hub)


def test_too_many_requests_are_waited_for(hub, folder):
    hub.faults.add(429, path="/api/", times=2, retry_after=1)
    pushed(folder)
    assert "model.safetensors" in hub.files("me/sounds")


def test_ctrl_c_does_not_claim_that_nothing_was_changed(hub, folder, monkeypatch):
    def interrupted(*given, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "create_commit", interrupted)
    said = []
    with pytest.raises(KeyboardInterrupt):
        pushed(folder, say=said.append)
    assert hub.files("me/sounds").keys() <= {".gitattributes"}  # the repository was made before the commit
    assert said[-1].startswith("stopped in step model; what it was sending is there whole or not at all")
    assert "nothing on the Hub was changed" not in said[-1]


def test_a_pull_request_goes_without_space_and_data_set(hub, folder):
    fails(folder, "create_pr changes nothing but the model", UsageError, create_pr=True, space=True)


def test_the_classifier_pushes_the_folder_it_was_loaded_from(hub, folder, capsys):
    result = AudioClassifier.from_pretrained(folder).push_to_hub("me/sounds", token="hf_me")
    assert LINE in card(hub)
    assert result.url in capsys.readouterr().out
    loaded = AudioClassifier.from_pretrained("me/sounds")
    with pytest.raises(UsageError, match=r"me/sounds is from the Hub; .* first download it into a folder"):
        loaded.push_to_hub("me/copy", token="hf_me", verbose=False)
    with pytest.raises(UsageError, match="was never saved"):
        AudioClassifier.of(loaded.model, None).push_to_hub("me/copy", token="hf_me", verbose=False)


def test_no_token_and_no_path_of_this_machine_reaches_the_hub(hub, folder, tmp_path):
    """Every byte that is stored, and every address that was asked for."""
    pushed(folder, space=True)
    secrets = [b"hf_me", str(tmp_path).encode(), str(Path.home()).encode() + b"/", str(Path.cwd()).encode()]
    for repo_type in ("model", "space"):
        for path, content in hub.files("me/sounds", repo_type).items():
            for secret in secrets:
                assert secret not in content, path
    for request in hub.requests:
        assert not any(secret.decode() in request.path + request.query + request.user_agent for secret in secrets)


def test_the_space_comes_last_and_its_failure_says_what_is_there(hub, folder):
    result = pushed(folder, space=True)
    assert result.space_url == f"{hub.url}/spaces/me/sounds"
    files = hub.files("me/sounds", "space")
    assert {"app.py", "requirements.txt", "README.md", "model/model.safetensors"} <= set(files)
    assert f"{hub.url}/spaces/me/sounds" in card(hub)
    hub.requests.clear()
    pushed(folder, space=True)
    assert not writes(hub)
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    hub.faults.add("drop", method="POST", path="/api/spaces/me/sounds/commit/")
    text = fails(folder, "^Space: ", space=True)
    assert f"on the Hub is the model {hub.url}/me/sounds" in text


def test_every_error_is_a_known_one(hub, folder, monkeypatch):
    for kind in ("drop", "cut", 500, 403, 404):
        hub.faults.clear()
        hub.faults.add(kind, path="/api/", times=None)
        with pytest.raises(AudioclsError) as error:
            pushed(folder)
        assert "\n" not in str(error.value)


def test_a_data_set_goes_along_and_its_scores_stay_when_only_the_model_is_pushed_again(
    hub, folder, make_folder, tmp_path
):
    make_folder(tmp_path / "data" / "train", low=2, high=2)
    metrics = {"split": "test", "size": 4, "accuracy": 0.75, "intervals": {"accuracy": [0.5, 1.0]}}
    metrics |= {"interval_unit": "clip", "interval_level": 0.95}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    result = pushed(folder, dataset=str(tmp_path / "data"))
    assert result.dataset_url == f"{hub.url}/datasets/me/sounds"
    assert hub.files("me/sounds", "dataset")
    assert yaml.safe_load(card(hub).split("---")[1])["datasets"] == ["me/sounds"]
    assert [path for path in hub.files("me/sounds") if path.startswith(".eval_results/")]
    hub.requests.clear()
    again = pushed(folder)
    assert again.uploaded == again.deleted == ()
    assert not writes(hub)


def test_the_data_set_has_the_labels_that_the_model_learnt(hub, folder, make_folder, tmp_path):
    make_folder(tmp_path / "data", old_low=2, old_high=2)
    settings = {"label_regex": "_(.+)", "group_regex": None}
    (folder / "training_config.json").write_text(json.dumps({"settings": settings}))
    pushed(folder, dataset=str(tmp_path / "data"))
    features = yaml.safe_load(hub.files("me/sounds", "dataset")["README.md"].decode().split("---")[1])
    names = next(each for each in features["dataset_info"]["features"] if each["name"] == "label")
    assert list(names["dtype"]["class_label"]["names"].values()) == ["high", "low"]
