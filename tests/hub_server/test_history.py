"""Branches, tags, commits by id, commits on what has changed, pull requests."""

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError


@pytest.fixture
def api(hub, as_user):
    as_user("hf_me")
    api = HfApi()
    api.create_repo("me/sounds")
    upload(api, b"one")
    return api


def upload(api, content, **how):
    return api.upload_file(path_or_fileobj=content, path_in_repo="a.txt", repo_id="me/sounds", **how)


def read(revision=None):
    with open(hf_hub_download("me/sounds", "a.txt", revision=revision), "rb") as file:
        return file.read()


def test_a_branch_lives_its_own_life(hub, api):
    api.create_branch("me/sounds", branch="feature/x")
    upload(api, b"on the branch", revision="feature/x")
    assert (read(), read("feature/x")) == (b"one", b"on the branch")
    assert {one.name for one in api.list_repo_refs("me/sounds").branches} == {"main", "feature/x"}
    assert hub.files("me/sounds", revision="feature/x")["a.txt"] == b"on the branch"
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_branch("me/sounds", branch="feature/x")
    api.create_branch("me/sounds", branch="feature/x", exist_ok=True)
    api.delete_branch("me/sounds", branch="feature/x")
    assert [one.name for one in api.list_repo_refs("me/sounds").branches] == ["main"]
    with pytest.raises(RevisionNotFoundError):
        upload(api, b"nowhere", revision="feature/x")


def test_a_tag_stays_where_it_was_put(api):
    api.create_tag("me/sounds", tag="v1")
    old = api.model_info("me/sounds").sha
    upload(api, b"two")
    assert (read("v1"), read(), read(old)) == (b"one", b"two", b"one")
    assert [(one.name, one.target_commit) for one in api.list_repo_refs("me/sounds").tags] == [("v1", old)]
    api.create_tag("me/sounds", tag="v2", revision="main")
    assert read("v2") == b"two"
    api.delete_tag("me/sounds", tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("me/sounds", revision="v1")


def test_commits_are_listed_newest_first(hub, api):
    upload(api, b"two", commit_message="the second", commit_description="why")
    commits = api.list_repo_commits("me/sounds")
    assert [one.title for one in commits] == ["the second", "Upload a.txt with huggingface_hub", "initial commit"]
    assert (commits[0].message, commits[0].authors) == ("why", ["me"])
    assert [one.oid for one in hub.commits("me/sounds")] == [one.commit_id for one in commits]


def test_a_commit_on_an_outdated_parent_is_refused(hub, api):
    parent = api.model_info("me/sounds").sha
    upload(api, b"two")
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as caught:
        upload(api, b"three", parent_commit=parent)
    assert caught.value.response.status_code == 412
    assert hub.files("me/sounds")["a.txt"] == b"two"


def test_a_commit_is_whole_or_nothing(hub, api):
    from huggingface_hub import CommitOperationDelete

    operations = [CommitOperationAdd("b.txt", b"new"), CommitOperationDelete("missing.txt")]
    with pytest.raises(HfHubHTTPError):
        api.create_commit("me/sounds", operations, commit_message="both")
    assert "b.txt" not in hub.files("me/sounds")


@pytest.mark.parametrize("token", ["hf_me", "hf_other"])
def test_a_pull_request_is_opened_read_extended_and_merged(hub, api, as_user, token):
    as_user(token)
    opened = upload(HfApi(), b"better", create_pr=True, commit_message="Better", commit_description="said why")
    assert (opened.pr_revision, opened.pr_num) == ("refs/pr/1", 1)
    assert opened.pr_url == f"{hub.url}/me/sounds/discussions/1"
    assert (read(), read("refs/pr/1")) == (b"one", b"better")
    as_user("hf_me")
    upload(api, b"best", revision="refs/pr/1")
    details = api.get_discussion_details("me/sounds", 1)
    assert (details.title, details.status, details.author, details.is_pull_request) == (
        *("Better", "open", token.removeprefix("hf_"), True),
    )
    assert [event.type for event in details.events].count("commit") >= 2
    api.comment_discussion("me/sounds", 1, comment="Fine.")
    api.merge_pull_request("me/sounds", 1)
    assert read() == b"best"
    assert api.get_discussion_details("me/sounds", 1).merge_commit_oid == hub.commits("me/sounds")[0].oid
    assert [one.status for one in api.get_repo_discussions("me/sounds")] == ["merged"]
    assert [one.name for one in api.list_repo_refs("me/sounds", include_pull_requests=True).pull_requests] == ["1"]


def test_a_pull_request_can_be_opened_empty(api):
    opened = api.create_pull_request("me/sounds", title="Later")
    assert (opened.status, opened.git_reference) == ("draft", "refs/pr/1")


def test_reading_only_opens_no_pull_request(hub, api, as_user):
    as_user("hf_me_read")
    with pytest.raises(HfHubHTTPError) as caught:
        upload(HfApi(), b"x", create_pr=True)
    assert caught.value.response.status_code == 403
    assert hub.repository("me/sounds").pull_requests == []
