"""Who may do what: nobody, the owner, the owner's read-only token, others, members of organisations."""

import contextlib
import tempfile

import pytest
from huggingface_hub import HfApi, auth_check, hf_hub_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

EVERYBODY = (None, "hf_me", "hf_me_read", "hf_other", "hf_nonsense")


@pytest.fixture
def act(hub, as_user):
    """Try something as the owner of a token: the status of the refusal, or "ok"."""

    def attempt(token, what):
        as_user(token)
        try:
            what(HfApi())
        except HfHubHTTPError as error:
            return error.response.status_code
        except LocalEntryNotFoundError as error:  # a download that was refused and is not in the cache
            return error.__cause__.response.status_code
        return "ok"

    return attempt


def everybody(act, what):
    return [act(token, what) for token in EVERYBODY]


@pytest.fixture
def repository(hub, act):
    def make(repo_id="me/sounds", **how):
        gated = how.pop("gated", None)
        assert act("hf_me", lambda api: api.create_repo(repo_id, **how)) == "ok"
        assert act("hf_me", lambda api: upload(api, repo_id)) == "ok"
        if gated:
            assert act("hf_me", lambda api: api.update_repo_settings(repo_id, gated=gated)) == "ok"

    return make


def upload(api, repo_id="me/sounds"):
    api.upload_file(path_or_fileobj=b"text", path_in_repo="a.txt", repo_id=repo_id)


def download(api, repo_id="me/sounds"):
    with tempfile.TemporaryDirectory() as empty_cache:
        hf_hub_download(repo_id, "a.txt", cache_dir=empty_cache)


def test_who_am_i(act, as_user):
    assert [act(token, HfApi.whoami) for token in EVERYBODY[1:]] == ["ok", "ok", "ok", 401]
    as_user("hf_me_read")
    me = HfApi().whoami()
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("me", "read")
    assert [(one["name"], one["roleInOrg"]) for one in me["orgs"]] == [("lab", "write")]


def test_a_public_repository(act, repository):
    repository()
    assert everybody(act, lambda api: api.model_info("me/sounds")) == ["ok", "ok", "ok", "ok", 401]
    assert everybody(act, download) == ["ok", "ok", "ok", "ok", 401]
    assert everybody(act, upload) == [401, "ok", 403, 403, 401]
    assert everybody(act, lambda api: api.create_tag("me/sounds", tag="x", exist_ok=True)) == [401, "ok", 403, 403, 401]
    assert everybody(act, lambda api: api.update_repo_settings("me/sounds", private=False)) == [
        401,
        "ok",
        403,
        403,
        401,
    ]
    assert [act(token, lambda api: api.delete_repo("me/sounds")) for token in (None, "hf_me_read", "hf_other")] == [
        *(401, 403, 403)
    ]


def test_a_private_repository_looks_missing(act, repository, as_user):
    repository(private=True)
    for what in (lambda api: api.model_info("me/sounds"), download):
        assert everybody(act, what) == [401, "ok", "ok", 404, 401]
    assert everybody(act, upload) == [401, "ok", 403, 404, 401]
    as_user("hf_other")
    for name in ("me/sounds", "me/missing"):
        with pytest.raises(RepositoryNotFoundError) as caught:
            HfApi().model_info(name)
        assert str(caught.value).replace(name, "NAME").startswith("404 Client Error.\n\nRepository Not Found for url")
    as_user("hf_me")
    HfApi().update_repo_settings("me/sounds", private=False)
    assert act(None, download) == "ok"


def test_new_repositories_only_under_ones_own_names(act):
    def make(owner):
        return lambda api: api.create_repo(f"{owner}/new", exist_ok=False)

    assert act(None, make("me")) == 401
    assert act("hf_me_read", make("me")) == 403
    assert act("hf_other", make("me")) == 403
    assert act("hf_me", make("me")) == "ok"
    assert act("hf_other", make("lab")) == 403  # a member who may only read
    assert act("hf_me", make("lab")) == "ok"
    assert act("hf_me", make("strangers")) == 403


def test_members_of_an_organisation(act, repository):
    repository("lab/sounds", private=True)
    assert everybody(act, lambda api: download(api, "lab/sounds")) == [401, "ok", "ok", "ok", 401]
    assert everybody(act, lambda api: upload(api, "lab/sounds")) == [401, "ok", 403, 403, 401]


def test_a_fine_grained_token_writes_to_its_users_own_name(make_hub, as_user):
    make_hub(tokens={"hf_fine": ("me", "fineGrained")})
    as_user("hf_fine")
    HfApi().create_repo("me/sounds")
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().create_repo("lab/sounds")
    assert caught.value.response.status_code == 403
    assert HfApi().whoami()["auth"]["accessToken"]["fineGrained"]["scoped"][0]["entity"]["name"] == "me"


def test_a_gated_repository_shows_itself_but_not_its_files(act, repository, as_user):
    repository(gated="manual")
    assert everybody(act, lambda api: api.model_info("me/sounds")) == ["ok", "ok", "ok", "ok", 401]
    assert everybody(act, lambda api: list(api.list_repo_tree("me/sounds"))) == ["ok", "ok", "ok", "ok", 401]
    assert everybody(act, download) == [401, "ok", "ok", 403, 401]
    as_user("hf_other")
    with pytest.raises(GatedRepoError):
        auth_check("me/sounds")
    assert act("hf_me", lambda api: api.grant_access("me/sounds", "other")) == "ok"
    assert act("hf_other", download) == "ok"


def test_no_token_is_ever_written_down(hub, act, repository):
    repository(private=True)
    everybody(act, download)
    with contextlib.suppress(HfHubHTTPError):
        upload(HfApi())
    written = [path.read_bytes() for path in hub.root.rglob("*") if path.is_file()] + [repr(hub.requests).encode()]
    assert not any(token.encode() in text for text in written for token in EVERYBODY if token)
    assert {one.authorized for one in hub.requests} == {True, False}
