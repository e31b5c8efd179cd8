"""The Publish tab: as a person uses it, as somebody who means harm would, and what it must never give away."""

import asyncio
import contextlib
import json
import os
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio_client import Client

from audiocls import AudioClassifier
from audiocls.errors import HubError
from audiocls.publishing import push as pushing
from audiocls.publishing.login import check_name
from audiocls.publishing.options import PushOptions
from audiocls.publishing.proof import Proof
from audiocls.publishing.push import Pushed
from audiocls.publishing.space import space_files
from audiocls.ui.context import AppContext, Navigation
from audiocls.ui.publish import tab as publish_tab
from audiocls.ui.publish.login import can_sign_in
from audiocls.ui.publish.publication import Publication
from audiocls.ui.publish.words import proposed_name
from audiocls.ui.serving.visitors import Rights, is_loopback, sent_from_here
from audiocls.ui.shelf import ModelShelf
from audiocls.ui.texts import publish as texts
from docs.screenshots import browser
from tests.hub_server.fixtures import hub_environment
from tests.hub_server.server import Hub, serve
from tests.publishing.folders import model_folder
from tests.running_app import RunningApp, running_app

PATIENCE_MS = 90_000
MARKED = "hf_marked0123456789abcdefghijklmnopqrstuvwxyz"
TOKENS = {"hf_own": ("me", "write"), MARKED: ("me", "write"), "hf_reads": ("me", "read"), "hf_else": ("other", "write")}
FORM = {
    "name": "me/sounds", "licence": "mit", "private": False, "space": False, "examples": True, "data": "", "token": "",
    "chosen": None,
}  # fmt: skip


class App(RunningApp):
    """A running app, and what a program asks of it."""

    def function(self, name):
        """The number of an endpoint."""
        functions = httpx.get(f"{self.url}config").json()["dependencies"]
        return next(number for number, each in enumerate(functions) if each["api_name"] == name)

    def publish(self, headers=None, **form):
        """Send the form as any program can, and give all that comes back."""
        data = list((FORM | form).values())
        session = uuid.uuid4().hex
        asked = {"fn_index": self.function("publish"), "data": data, "session_hash": session}
        answer = httpx.post(f"{self.url}gradio_api/queue/join", json=asked, headers=headers)
        if answer.status_code == 403:  # other sites are turned away before any function is reached
            return "forbidden"
        assert answer.status_code == 200
        told = []
        with httpx.stream("GET", f"{self.url}gradio_api/queue/data?session_hash={session}", timeout=60) as stream:
            for line in stream.iter_lines():
                told.append(line)
                if "close_stream" in line:
                    break
        return "\n".join(told).replace("\\\\", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("beside") / "runs" / "every_day")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    made = Hub(tmp_path_factory.mktemp("hub"), tokens=TOKENS)
    with serve(made):
        yield made


@pytest.fixture(scope="module")
def apps(folder, hub, tmp_path_factory):
    """The app for this machine alone and one that lets others in, both logged in to the hub; what was asked of it by
    then."""

    def start(host):
        environment, flags = hub_environment(hub, "hf_own"), ("--host", host, "--publish")
        return running_app(tmp_path_factory.mktemp("app"), *flags, beside=folder.parents[1], environment=environment)

    with start("127.0.0.1") as local, start("0.0.0.0") as open_to_all:
        both = App(*local), App(*open_to_all)
        for app in both:
            for path in ("", "config", "gradio_api/info"):
                assert httpx.get(f"{app.url}{path}").status_code == 200
        yield SimpleNamespace(local=both[0], open=both[1], asked=list(hub.requests))


def until(true, seconds=150.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_hub_is_asked_for_nothing_when_the_app_starts(apps):
    assert apps.asked == []


def test_no_endpoint_of_it_is_offered_to_programs(apps):
    names = httpx.get(f"{apps.local.url}gradio_api/info").json()["named_endpoints"]
    assert not [name for name in names if "publ" in name]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"token": "hf_nobodys"}, "the Hub does not know the token given"),
        ({"token": "hf_reads"}, "the token given may only read"),
        ({"token": "hf_else"}, "me is neither you nor an organisation of yours"),
        ({"token": "hf_own\r\nX: y"}, "this is no token of the Hub"),
        ({"token": MARKED, "name": "no name"}, "cannot be a name on the Hub"),
        ({"token": MARKED, "name": ""}, "cannot be a name on the Hub"),
        ({"token": MARKED, "data": "no_such_folder"}, "no_such_folder"),
    ],
)
def test_what_cannot_be_published_is_one_clear_message(apps, hub, form, problem):
    told = apps.local.publish(**form)
    assert problem in told.replace("\\", "")
    assert MARKED not in told
    assert "process_completed" in told
    with pytest.raises(KeyError):
        hub.files("me/sounds")


OWN_ONLY = "own login is only for who opens the page on the machine itself"


def test_beyond_this_machine_nobody_uses_its_login_or_files(apps, hub):
    asked = len(hub.requests)
    assert OWN_ONLY in apps.open.publish().replace("\\", "")
    assert OWN_ONLY in apps.open.publish(token="  ").replace("\\", "")
    told = apps.open.publish(token=MARKED, data="runs")
    assert "files of this machine can only be published by" in told.replace("\\", "")
    number = apps.open.function("publish")
    with contextlib.closing(Client(apps.open.url, verbose=False)) as client:
        with pytest.raises(ValueError, match="Invalid function index"):  # private
            client.predict(*FORM.values(), fn_index=number)
        client.endpoints[number].is_valid = True
        assert OWN_ONLY in str(client.predict(*FORM.values(), fn_index=number))
    names = {each["api_name"] for each in httpx.get(f"{apps.open.url}config").json()["dependencies"]}
    assert "publish" in names
    assert "whose" not in names
    assert len(hub.requests) == asked
    # with a token of their own they can
    assert "may only read" in apps.open.publish(token="hf_reads").replace("\\", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example:7860", "Origin": "http://evil.example:7860"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
    ],
)
def test_other_sites_and_tunnels_do_not_use_this_machines_login(apps, hub, headers):
    asked = len(hub.requests)
    told = apps.local.publish(headers).replace("\\", "")
    assert told == "forbidden" or OWN_ONLY in told
    assert len(hub.requests) == asked


def test_a_person_publishes_opens_it_by_its_name_and_the_token_stays_nowhere(apps, hub, folder):
    asked = []
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{apps.local.url}?tab=publish")
        page.get_by_text("logged in to the Hub as me").wait_for(timeout=PATIENCE_MS)
        token = page.locator("#publish-token input")
        page.locator("#publish-token input[type=password][autocomplete=off]").wait_for(timeout=PATIENCE_MS)
        name = page.locator("#publish-name textarea, #publish-name input")
        assert name.input_value() == "every_day"
        name.fill("me/every-day")
        page.locator("#publish-licence input").fill("cc-by-4.0")
        page.locator("#publish-licence input").press("Enter")
        token.fill(MARKED)
        page.locator("#publish-button").click()
        link = page.locator("#publish-result").get_by_role("link", name="me/every-day")
        link.wait_for(timeout=PATIENCE_MS)
        assert link.get_attribute("href") == f"{hub.url}/me/every-day"
        assert "Proved: loaded back in a fresh process" in page.locator("#publish-result").inner_text()
        lines = page.locator("#publish-lines textarea").input_value()
        assert "model.safetensors" in lines
        assert lines.startswith("every_day: complete")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert token.input_value() == ""
        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
        content = page.content()
        page.get_by_role("button", name="Open me/every-day from the Hub").click()
        page.locator("#introduction").get_by_text("me/every-day").wait_for(timeout=PATIENCE_MS)
        assert page.locator("#sound").is_visible()
        assert "model=me%2Fevery-day" in page.url
        page.goto(page.url.replace("tab=classify", "tab=publish"))
        page.get_by_text("This model is itself from the Hub").wait_for(timeout=PATIENCE_MS)
        assert not page.locator("#publish-button").is_visible()
        page.close()
    assert "license: cc-by-4.0" in hub.files("me/every-day")["README.md"].decode()
    shown = httpx.get(f"{apps.local.url}config").text + httpx.get(f"{apps.local.url}gradio_api/info").text
    for text in (stored, content, lines, shown, apps.local.log.read_text(), *asked):
        assert MARKED not in text
    for place in (apps.local.uploads, hub.root, folder):
        for path in place.rglob("*"):
            assert not path.is_file() or MARKED.encode() not in path.read_bytes(), path
    assert str(folder) not in lines


# --- in this process, with a push that does as it is told


@pytest.fixture
def classifier(folder):
    return AudioClassifier.from_pretrained(folder)


@pytest.fixture
def pushes(monkeypatch):
    """Stands for `push_classifier`; set `pushes.act(repo_id, say)`."""
    fake = SimpleNamespace(tokens=[], options=[], folders=[], act=lambda repo_id, say: say("a line"))

    def push_classifier(classifier, repo_id, options, *, token, say):
        fake.tokens.append(token)
        fake.folders.append(classifier.folder)
        fake.options.append(options)
        fake.act(repo_id, say)
        return Pushed(repo_id, f"http://hub/{repo_id}", "c0ffee", proof=Proof(True, 5, 1e-7, 2.0))

    monkeypatch.setattr(pushing, "push_classifier", push_classifier)
    return fake


def ended(publication):
    until(lambda: publication.ended, 10)
    return publication


def started(classifier, repo_id="me/x"):
    publication = Publication(classifier)
    publication.start(repo_id, PushOptions(), MARKED)
    return publication


def test_a_stop_comes_between_two_steps_and_is_told(classifier, pushes):
    first = threading.Event()

    def act(repo_id, say):
        say("one")
        first.wait(10)
        try:
            say("two")
        except KeyboardInterrupt:
            say("stopped in step two")
            raise
        say("three")

    pushes.act = act
    publication = started(classifier)
    until(lambda: publication.lines)
    publication.stop()
    first.set()
    assert ended(publication).problem == texts.PUBLISH_STOPPED
    assert publication.lines == ["one", "two", "stopped in step two"]
    assert publication.pushed is None


def test_one_push_at_a_time_and_who_waits_is_told_so(classifier, pushes):
    go = threading.Event()
    pushes.act = lambda repo_id, say: go.wait(10) and say(repo_id)
    one, two, three = (started(classifier, name) for name in ("a", "b", "c"))
    until(lambda: two.lines and three.lines)
    assert two.lines == three.lines == [texts.PUBLISH_WAITS]
    assert len(pushes.tokens) == 1
    three.stop()
    assert ended(three).problem == texts.PUBLISH_STOPPED
    go.set()
    assert ended(one).lines == ["a"]
    assert ended(two).lines == [texts.PUBLISH_WAITS, "b"]


def test_a_mistake_of_ours_is_logged_without_the_token_and_the_next_push_works(classifier, pushes, capsys, folder):
    def fail(repo_id, say):
        raise RuntimeError(f"Illegal header {MARKED}")

    works, pushes.act = pushes.act, fail
    assert ended(started(classifier)).problem == texts.PUBLISH_BROKEN
    log = capsys.readouterr().err
    assert "Illegal header ***" in log
    assert MARKED not in log

    def refuse(repo_id, say):
        say(f"{folder}: {MARKED}")
        raise HubError(f"{folder} and {MARKED}")

    pushes.act = refuse
    publication = ended(started(classifier))
    assert publication.lines == ["every_day: ***"]
    assert publication.problem == "every_day and ***"
    pushes.act = works
    assert ended(started(classifier)).pushed.repo_id == "me/x"


def panel(classifier, *, local=False, publish=True, runs=None):
    """The Blocks, and the function of the button."""
    context = AppContext(ModelShelf(classifier, runs=runs), Rights(local, publish))

    async def build():  # else gradio makes an event loop, which it leaves open
        with gr.Blocks(analytics_enabled=False) as blocks, gr.Tabs() as bar, gr.Tab("Publish"):
            navigation = Navigation(gr.Dropdown(), gr.State(context.shelf.first_name), bar)
            tab = publish_tab.build(context, navigation, classifier)
        return blocks, tab

    blocks, tab = asyncio.run(build())
    return SimpleNamespace(blocks=blocks, context=context, **functions(blocks), show=tab.show)


def functions(blocks):
    return {each.name: each.fn for each in blocks.fns.values() if each.name in ("publish", "stop", "open_published")}


def visitor(session="a", host="127.0.0.1:7860", client="127.0.0.1", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(
        session_hash=session, headers=httpx.Headers({"host": host} | names), client=SimpleNamespace(host=client)
    )


def form(**values):
    return list((FORM | values).values())


def shown(update):
    """All texts of an update of the page."""
    return json.dumps([value if isinstance(value, str) else value.value for value in update.values()])


def test_two_visitors_see_their_own_push_only(classifier, pushes):
    publish = panel(classifier).publish
    pushes.act = lambda repo_id, say: say(f"line of {repo_id}")

    async def visit(name):
        updates = publish(*form(name=name, token=f"hf_{name}"), None, visitor(name))
        return "".join([shown(update) async for update in updates])

    async def both():
        return await asyncio.gather(visit("anna"), visit("bert"))

    anna, bert = asyncio.run(both())
    assert "http://hub/anna" in anna
    assert "line of anna" in anna
    assert "bert" not in anna
    assert "anna" not in bert
    assert sorted(pushes.tokens) == ["hf_anna", "hf_bert"]


def test_a_closed_page_does_not_end_the_push(classifier, pushes):
    publish = panel(classifier).publish
    go, done = threading.Event(), threading.Event()
    pushes.act = lambda repo_id, say: (say("begun"), go.wait(10), say("goes on"), done.set())

    async def leave():
        updates = publish(*form(token="hf_x"), None, visitor())
        await anext(updates)
        assert "begun" in shown(await anext(updates))
        await updates.aclose()

    asyncio.run(leave())
    go.set()
    assert done.wait(10)


def test_the_options_are_those_of_the_form(classifier, pushes, monkeypatch):
    publish = panel(classifier, local=True).publish

    async def send(values):
        return [shown(update) async for update in publish(*values, None, visitor())]

    values = form(token="hf_x", private=True, space=True, examples=False, data=" sounds ", licence=None)
    assert "seen by its owner only" in asyncio.run(send(values))[-1]
    assert pushes.options == [PushOptions(private=True, space=True, examples=False, dataset="sounds")]
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_own")
    asyncio.run(send(form()))
    assert pushes.tokens == ["hf_x", "hf_own"]
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert "hf auth login" in asyncio.run(send(form()))[-1]


def test_who_sits_at_this_machine():
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.8.9.1")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "", None, "192.0.2.1", "localhost.example")] == [False] * 6
    assert sent_from_here(visitor())
    assert sent_from_here(visitor(host="localhost:7860", origin="http://localhost:7860"))
    assert sent_from_here(visitor(host="[::1]:7860", client="::1"))
    assert not sent_from_here(visitor(client="192.0.2.1"))
    assert not sent_from_here(visitor(host="evil.example"))
    assert not sent_from_here(visitor(host=""))
    assert not sent_from_here(visitor(origin="null"))
    assert not sent_from_here(visitor(x_forwarded_for="127.0.0.1"))


def test_visitors_sign_in_on_a_space_that_lets_them_and_nowhere_else(classifier, pushes, monkeypatch):
    signed_in = gr.OAuthToken(token="hf_signed", scope="", expires_at=0)

    async def send(publish):
        return [shown(update) async for update in publish(*form(), signed_in, visitor())][-1]

    for name in ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OPENID_PROVIDER_URL"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("OAUTH_SCOPES", "openid profile manage-repos")
    monkeypatch.setattr("audiocls.ui.publish.login.find_spec", lambda name: name)
    monkeypatch.setattr("gradio.routes.attach_oauth", lambda app: None)  # its packages are not among ours
    monkeypatch.delenv("SYSTEM", raising=False)
    assert not can_sign_in()
    made = panel(classifier)
    assert not made.blocks.expects_oauth
    assert "a token is needed" in asyncio.run(send(made.publish))
    monkeypatch.setenv("SYSTEM", "spaces")
    made = panel(classifier)
    assert made.blocks.expects_oauth
    assert "http://hub/me/sounds" in asyncio.run(send(made.publish))
    assert pushes.tokens == ["hf_signed"]
    monkeypatch.setenv("OAUTH_SCOPES", "openid profile")
    assert not can_sign_in()


def last_said(made, who, **values):
    async def send():
        return [shown(update) async for update in made.publish(*form(**values), None, who)][-1]

    return asyncio.run(send())


def test_a_model_from_the_hub_has_no_form_and_is_not_published(folder, tmp_path, pushes):
    snapshot = tmp_path / "models--me--x" / "snapshots" / "c0ffee"
    snapshot.parent.mkdir(parents=True)
    os.symlink(folder, snapshot)
    made = panel(AudioClassifier.from_pretrained(snapshot), local=True)
    (column,) = [block for block in made.blocks.blocks.values() if block.elem_id == "publish"]
    assert column.visible is False
    assert any(getattr(block, "value", None) == texts.PUBLISH_NOT_HERE for block in made.blocks.blocks.values())
    assert "itself from the Hub" in last_said(made, visitor(), token="hf_x").replace("\\", "")
    assert pushes.tokens == []


def test_the_model_that_is_open_is_published_and_the_tab_follows_it(classifier, pushes, tmp_path):
    mine = model_folder(tmp_path / "my own.sounds!")
    made = panel(classifier, local=False)
    somebody = made.context.visitor(visitor("a"))
    made.context.shelf.add(somebody, "mine", mine)
    assert "http://hub/me/sounds" in last_said(made, visitor("a"), token="hf_x", chosen="mine")
    assert pushes.folders == [mine]
    # it is nobody else's, and no other folder can be named from elsewhere
    for chosen in ("mine", str(mine), "../x"):
        told = last_said(made, visitor("b"), token="hf_x", chosen=chosen).replace("\\", "")
        assert "is not among the models of this app" in told
    assert pushes.folders == [mine]
    about, column, name, *_ = made.show(made.context.shelf.get("mine", somebody), somebody)
    assert "my own" in about.value
    assert column.visible is not False
    assert name.value == "my-own.sounds"


@pytest.mark.parametrize(
    ("name", "proposed"),
    [("runs/my_sounds", "my_sounds"), ("a  b", "a-b"), ("-x.git", "x"), ("ünï", "n"), ("", ""), ("x" * 99, "x" * 60)],
)
def test_the_name_proposed_is_one_the_hub_takes(name, proposed):
    assert proposed_name(SimpleNamespace(name=name, folder=None)) == proposed
    if proposed:
        check_name(proposed)


def test_the_app_of_a_space_publishes_nothing(folder):
    files = space_files(folder, "me/x")
    publishing = [path for path in files if "publi" in path and not path.startswith("model/")]
    assert publishing == []
    app = files["app.py"]
    assert b"push" not in (app.read_bytes() if isinstance(app, Path) else app)


@pytest.mark.parametrize("rights", [{}, {"local": True}])
def test_who_may_not_publish_is_told_so_and_cannot_by_any_call(classifier, pushes, rights, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_own")
    made = panel(classifier, publish=False, **rights)
    from_elsewhere = visitor("b", client="192.0.2.1")
    for values in ({}, {"token": "hf_x"}, {"token": "hf_x", "data": "runs"}):
        assert "only who opens the page on the machine itself" in last_said(made, from_elsewhere, **values)
    assert pushes.tokens == []
    about, column, *_ = made.show(classifier, made.context.visitor(from_elsewhere))
    assert about.value == texts.PUBLISH_NOT_YOU
    assert column.visible is False
    if rights:
        assert "http://hub/me/sounds" in last_said(made, visitor("a"))
        assert pushes.tokens == ["hf_own"]


def test_only_who_may_name_models_of_the_hub_is_offered_to_open_the_published_one(classifier, pushes):
    made = panel(classifier, local=True)
    assert "Open me/sounds from the Hub" in last_said(made, visitor(), token="hf_x")

    async def last(who):
        return [update async for update in made.publish(*form(token="hf_x"), None, who)][-1]

    for who, offered in ((visitor(), True), (visitor(client="192.0.2.1"), False)):
        (button,) = [each for each in asyncio.run(last(who)).values() if "Open me/" in str(getattr(each, "value", ""))]
        assert button.visible is offered
