"""Names of repositories, and failures of the Hub told to a person: one line, what to do, and never a token."""

import errno
import json

import httpx2
import pytest
from huggingface_hub import constants, errors

from audiocls.hub.failures import hub_reason, in_short, scrubbed, token_source
from audiocls.hub.ids import HubId, parse_hub_id
from tests.hub_server import fixtures
from tests.stored_models import store_files

hub, as_user = fixtures.hub, fixtures.as_user  # pytest finds them by these names


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch):
    """Nobody answers where the Hub should be, unless a test starts a server."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("me/x", HubId("me/x")),
        ("me/x@v1", HubId("me/x", "v1")),
        ("me/x@feature/new", HubId("me/x", "feature/new")),
        ("me/x@refs/pr/1", HubId("me/x", "refs/pr/1")),
        ("gpt2", HubId("gpt2")),
        ("gpt2@" + "0" * 40, HubId("gpt2", "0" * 40)),
        *((text, None) for text in ("", "@", "me/x@", "me/x@@v", "me/x@a b", "me/x@../y", "me/x@/y", "me/x@y/")),
        *(
            (text, None)
            for text in ("me/x@-y", "me/x@y..z", "me/x@y\\z", "me/x@.y", "a/b/c", "./a", "~/a", "/a", "a b")
        ),
        *((text, None) for text in ("me/x.git", "me/--x", "me/..", "me/x@y.lock", "me/x\n")),
    ],
)
def test_names_are_taken_apart(text, expected):
    assert parse_hub_id(text) == expected
    if expected is not None:
        assert str(expected) == text


def answer(kind, status, message="", headers=(), sent=(), url="http://127.0.0.1:9/api/models/me/x"):
    """What huggingface_hub raises for an answer of the Hub."""
    request = httpx2.Request("GET", url, headers=dict(sent))
    response = httpx2.Response(status, request=request, headers=dict(headers))
    told = f"{status} Client Error. (Request ID: Root=1-abc;def)\n\nSomething for url: {url}.\n{message}"
    return kind(told, response=response, server_message=message or None)


def caused(outer, inner):
    outer.__cause__ = inner
    return outer


TOKEN = {"authorization": "Bearer hf_secretsecret"}
HTTP, GATED = errors.HfHubHTTPError, errors.GatedRepoError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answer(errors.RepositoryNotFoundError, 401), "there is no model me/x on the Hub (a private one needs"),
        (answer(errors.RepositoryNotFoundError, 404, sent=TOKEN), "or the token of `hf auth login`"),
        (answer(GATED, 401, "You must be authenticated"), "is gated: ask for access on http://127.0.0.1:9/me/x, then"),
        (answer(GATED, 403, "you are not in the authorized list", sent=TOKEN), "is gated: ask for access on"),
        (answer(GATED, 403, "Your request is awaiting a review", sent=TOKEN), "have not answered yet"),
        (answer(GATED, 403, "Your request has been rejected", sent=TOKEN), "have refused you"),
        (answer(GATED, 403, "enable it in your fine-grained token settings", sent=TOKEN), "may not read gated"),
        (answer(errors.RevisionNotFoundError, 404), "me/x has no revision 'v1' on the Hub"),
        (answer(errors.RemoteEntryNotFoundError, 404, url="http://h/me/x/resolve/main/a.json"), "me/x has no a.json"),
        (answer(errors.DisabledRepoError, 403), "was disabled"),
        (answer(HTTP, 401, "Invalid credentials", sent=TOKEN), "the Hub refuses the token of `hf auth login`"),
        (answer(HTTP, 401, "Token is expired", sent=TOKEN), "(it has expired)"),
        (answer(HTTP, 403, "no rights", sent=TOKEN), "the Hub forbids it (no rights); the token of `hf auth login`"),
        (answer(HTTP, 403, "no rights"), "log in with `hf auth login`"),
        (answer(HTTP, 429, headers={"retry-after": "7"}), "(429); try again in 7 seconds"),
        (answer(HTTP, 429), "try again in some minutes"),
        (answer(HTTP, 429, headers={"ratelimit": '"api";r=0;t=55'}), "in 55 seconds"),
        (answer(HTTP, 412), "has changed on the Hub meanwhile"),
        (answer(HTTP, 413, "too much"), "more than the Hub takes at once (too much)"),
        (answer(HTTP, 400, "bad name"), "the Hub answers 400: bad name"),
        *((answer(HTTP, status), f"is out of order ({status})") for status in (500, 502, 503, 504)),
        (caused(errors.LocalEntryNotFoundError("x"), answer(HTTP, 503)), "is out of order (503)"),
        (caused(errors.LocalEntryNotFoundError("x"), httpx2.ConnectError("[Errno 111] refused")), "no connection to"),
        (errors.LocalEntryNotFoundError("x"), "me/x@v1 is not in the cache, and the Hub cannot be reached"),
        (errors.OfflineModeIsEnabled("x"), "HF_HUB_OFFLINE keeps from asking"),
        (errors.LocalTokenNotFoundError("x"), "there is no token of the Hub here"),
        (httpx2.ConnectError("[Errno -3] Temporary failure in name resolution"), "no network, or nobody knows"),
        (httpx2.ConnectError("[Errno 8] nodename nor servname provided, or not known"), "no network, or nobody knows"),
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), "set SSL_CERT_FILE"),
        (httpx2.ProxyError("407 Proxy Authentication Required"), "the proxy fails (407 Proxy"),
        (httpx2.ConnectTimeout("x"), "does not answer in time"),
        (httpx2.ReadTimeout("x"), "does not answer in time"),
        (httpx2.ReadError("x"), "broke off; run the same again"),
        (httpx2.RemoteProtocolError("peer closed"), "broke off; run the same again"),
        (OSError("Consistency check failed: file should be of size 3 but has size 2"), "came incomplete or damaged"),
        (json.JSONDecodeError("x", "<html>", 0), "is not the Hub"),
        (errors.FileMetadataError("no header"), "is not the Hub"),
        (OSError(errno.ENOSPC, "No space left on device", "/big/x"), "the disk of /big/x is full, 2.0 GB are needed"),
        (RuntimeError("Data processing error: I/O: No space left on device (os error 28)"), "is full"),
        (PermissionError(errno.EACCES, "denied", "/big/x"), "/big/x cannot be written"),
        (OSError(errno.EROFS, "read only", "/big/x"), "/big/x cannot be written"),
        (ValueError("something odd\nin lines"), "me/x: something odd in lines"),
        (KeyError(), "me/x: KeyError"),
    ],
)
def test_every_failure_is_one_line_that_names_the_repository(error, expected):
    told = hub_reason(error, "me/x", "v1", needed_bytes=2_000_000_000)
    assert expected in told
    assert "me/x" in told
    assert "\n" not in told
    assert "Request ID" not in told
    assert "/api/" not in told
    assert len(told) < 400


def test_a_token_goes_to_the_hub_alone(hub, monkeypatch):
    asked = []
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    get = httpx2.Client.get
    monkeypatch.setattr(httpx2.Client, "get", lambda self, url, **how: asked.append(url) or get(self, url, **how))
    error = answer(errors.RepositoryNotFoundError, 404, url=f"{hub.url}/elsewhere")
    hub_reason(error, "me/x", token="hf_me")
    assert len(asked) == 2
    assert all(url.startswith("http://127.0.0.1:9/") for url in asked)
    assert hub.requests == []


def test_the_type_is_named_as_people_name_it():
    error = answer(errors.RepositoryNotFoundError, 404)
    assert "there is no data set me/x" in hub_reason(error, "me/x", repo_type="dataset")
    assert "there is no Space me/x" in hub_reason(error, "me/x", repo_type="space")


def test_the_hub_is_asked_what_there_is_instead(hub, as_user):
    from huggingface_hub import HfApi

    store_files(hub, "me/x", {"README.md": b""}, repo_type="dataset", private=True)
    store_files(hub, "me/x", {"README.md": b""}, repo_type="dataset", ref="refs/tags/v1", private=True)
    api = HfApi(token="hf_me")
    with pytest.raises(errors.RepositoryNotFoundError) as caught:
        api.model_info("me/x")
    assert hub_reason(caught.value, "me/x", token="hf_me") == "me/x is a data set on the Hub, no model"
    assert "there is no model me/x" in hub_reason(caught.value, "me/x")  # who may not see it is not told
    with pytest.raises(errors.RevisionNotFoundError) as caught:
        api.dataset_info("me/x", revision="v2")
    told = hub_reason(caught.value, "me/x", "v2", "dataset", token="hf_me")
    assert told == "me/x has no revision 'v2' on the Hub; it has main, v1"
    hub.faults.add(500, times=None)
    assert hub_reason(caught.value, "me/x", "v2", "dataset") == "me/x has no revision 'v2' on the Hub"


def test_a_full_disk_of_the_cache_names_the_cache_and_not_a_file_of_it():
    error = OSError(errno.ENOSPC, "x", f"{constants.HF_HUB_CACHE}/models--me--x/blobs/12.incomplete")
    assert f"the disk of {constants.HF_HUB_CACHE} is full;" in hub_reason(error, "me/x")


def test_tokens_and_passwords_are_in_no_text(as_user):
    as_user("strange-token-of-the-login")
    text = (
        "Bearer abcdefgh hf_AbCdEf0123456789 hf_oauth_eyJx.y-z http://me:word@proxy:80/ api_org_abc mine123456 "
        "strange-token-of-the-login\nAuthorization: Basic YWJjOmRlZg=="
    )
    told = scrubbed(text, "mine123456")
    for secret in ("abcdefgh", "AbCdEf", "eyJx", "word@", "org_abc", "mine", "strange", "YWJj"):
        assert secret not in told
    assert "\n" not in told
    assert scrubbed("hf_xet and hf_hub_download are no tokens") == "hf_xet and hf_hub_download are no tokens"
    assert "hf_secret" not in hub_reason(ValueError("bad header 'Bearer hf_secret'"), "me/x", token="hf_secret")


def test_where_a_token_comes_from_is_said(as_user, monkeypatch):
    assert "hf auth login" in token_source()
    as_user("hf_me")
    assert token_source() == "the token in HF_TOKEN"
    assert token_source("hf_other") == "the token given"
    assert token_source("hf_me") == "the token in HF_TOKEN"


def test_what_others_wrote_is_cut_to_what_a_person_needs():
    error = answer(HTTP, 418, "")
    assert "http" not in in_short(error)
    assert len(in_short(ValueError("x" * 999))) < 210
    assert in_short(ValueError()) == "ValueError"
