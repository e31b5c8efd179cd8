"""A push whose connection breaks at any request: told in one line, and completed by the same push again.

Each request of a push is broken in each way, on a hub of its own. After that the same push without faults must leave
exactly the local folder there, in as many commits as a push that was never broken, and a third must send nothing.
"""

import contextlib
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest

from audiocls.errors import HubError
from audiocls.hub import calls
from audiocls.publishing import push as pushing
from audiocls.publishing.checks import check_model_folder
from audiocls.publishing.options import PushOptions
from tests.hub_server import Hub, serve
from tests.hub_server.client import pointed_at
from tests.small_models import write_small_model

ID = "me/sounds"
KINDS = ("drop", "lost", 500)
CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: audio-classification
tags: [audio]
---
# Sounds
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A model folder that has passed its checks, which have tests of their own."""
    folder = write_small_model(tmp_path_factory.mktemp("model") / "sounds")
    (folder / "README.md").write_text(CARD)
    (folder / "metrics.json").write_text("{}")
    return check_model_folder(folder)


class Scene:
    """One hub, and pushes to it with or without a fault."""

    def __init__(self, hub, checked, options):
        self.hub = hub
        self.checked = checked
        self.options = options

    def push(self, folder=None):
        pushing.check_model_folder, kept = (lambda *_, **__: folder or self.checked), pushing.check_model_folder
        try:
            return pushing.push((folder or self.checked).folder, ID, self.options, token="hf_me")
        finally:
            pushing.check_model_folder = kept

    def push_broken(self, kind, number):
        """Push with one request broken; what was told when that failed."""
        self.hub.faults.clear()
        self.hub.faults.add(kind, at=number)
        before = self.state()
        try:
            self.push()
            told = None
        except HubError as error:
            told = str(error)
        assert self.hub.faults.broken, "the request to be broken never came"
        self.hub.faults.clear()
        if told is not None:
            assert told
            assert "\n" not in told
            assert "hf_me" not in told
            assert len(told) < 400
            if "nothing on the Hub was changed" in told:
                assert self.state() == before
            if "is empty" in told:
                assert list(self.hub.files(ID)) == [".gitattributes"]
        return told

    def push_silent(self, path):
        """Push to a hub that answers nothing more once it has lost an answer."""
        faults, ask = self.hub.faults, self.hub.faults.next

        def then_silent(received):
            fault = ask(received)
            if fault is not None and fault.kind == "lost":
                faults.add("drop", times=None)
            return fault

        faults.next = then_silent
        try:
            self.push()
        finally:
            del faults.next

    def state(self):
        """Everything on the hub: repositories of all types, their references and the number of their commits."""
        return {
            (kind, name): (sorted(found.refs.items()), len(found.commits), found.private)
            for kind in ("model", "dataset", "space")
            for name in self.hub.repositories(kind)
            for found in [self.hub.repository(name, kind)]
        }

    def expected(self):
        """The files that are to be there, but for the card, which is written for the Hub."""
        return {path: file.read_bytes() for path, file in self.checked.files.items() if path != "README.md"}

    def stored(self, revision="main"):
        files = self.hub.files(ID, revision=revision)
        return {path: content for path, content in files.items() if path not in ("README.md", ".gitattributes")}

    def sends_nothing(self):
        start, before = len(self.hub.requests), self.state()
        again = self.push()
        asked = self.hub.requests[start:]
        assert (again.uploaded, again.deleted) == ((), ())
        assert not [one for one in asked if one.method == "PUT" or "/commit/" in one.path or "/repos/" in one.path]
        assert self.state() == before


@pytest.fixture
def scene(tmp_path, monkeypatch, checked):
    """Makes scenes; waits between tries are cut short."""
    monkeypatch.setattr(calls, "time", SimpleNamespace(sleep=lambda seconds: None))
    numbers = iter(range(1000))

    @contextlib.contextmanager
    def make(options=None):
        root = tmp_path / str(next(numbers))
        hub = Hub(root / "hub")
        with serve(hub), pointed_at(hub, root / "home"):
            yield Scene(hub, checked, options or PushOptions(proof=False))

    warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)  # of huggingface_hub's uploads
    return make


def count_of_requests(make, prepare=None, options=None):
    """How many requests a push makes that nothing breaks, and what it leaves."""
    with make(options) as clean:
        if prepare:
            prepare(clean)
        clean.hub.faults.clear()
        clean.push()
        return clean.hub.faults.count, len(clean.hub.commits(ID)), clean.hub.files(ID)


def first_version(scene):
    """Publish another version first: other weights, another table, and a file that will be gone."""
    old = scene.checked.folder.parent / "old"
    old.mkdir(exist_ok=True)
    (old / "model.safetensors").write_bytes(b"other weights")
    (old / "results.csv").write_text("gone")
    files = scene.checked.files | {name: old / name for name in ("model.safetensors", "results.csv")}
    scene.push(replace(scene.checked, files=files))


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_model(scene, kind):
    count, commits, files = count_of_requests(scene)
    assert count > 6
    for number in range(1, count + 1):
        with scene() as broken:
            broken.push_broken(kind, number)
            broken.push()
            assert broken.stored() == broken.expected()
            assert broken.hub.files(ID) == files
            assert len(broken.hub.commits(ID)) == commits == 2
            assert list(broken.state()) == [("model", ID)]
            broken.sends_nothing()


@pytest.mark.parametrize("kind", ["drop", "lost"])
def test_a_new_version_of_a_model(scene, kind):
    """Never a mixture of two versions: what is there is the old one or the new one."""
    count, commits, files = count_of_requests(scene, first_version)
    for number in range(1, count + 1):
        with scene() as broken:
            first_version(broken)
            old = broken.hub.files(ID)
            told = broken.push_broken(kind, number)
            assert broken.hub.files(ID) in ((old, files) if told else (files,))
            broken.push()
            assert broken.hub.files(ID) == files
            assert len(broken.hub.commits(ID)) == commits == 3


@pytest.mark.parametrize("kind", ["drop", "lost"])
@pytest.mark.parametrize("how", ["revision", "create_pr"])
def test_a_branch_or_a_pull_request(scene, kind, how):
    options = (
        PushOptions(proof=False, revision="next") if how == "revision" else PushOptions(proof=False, create_pr=True)
    )
    ref = "refs/heads/next" if how == "revision" else "refs/pr/1"
    count, _, _ = count_of_requests(scene, options=options)
    for number in range(1, count + 1):
        with scene(options) as broken:
            broken.push_broken(kind, number)
            broken.push()
            assert broken.stored(ref) == broken.expected()
            assert list(broken.hub.repository(ID).refs) == ["refs/heads/main", ref]
            assert len(broken.hub.commits(ID, revision=ref)) == 2
            assert list(broken.hub.files(ID)) == [".gitattributes"]
            if number == count:
                broken.sends_nothing()


@pytest.mark.parametrize("path", ["/repos/create", "/commit/"])
def test_a_hub_that_falls_silent_after_the_work(scene, path):
    """Whether it was done cannot be known, and so it is not said that nothing was."""
    with scene() as broken:
        broken.hub.faults.add("lost", path=path)
        with pytest.raises(HubError, match="is not known, the same again goes on from there") as caught:
            broken.push_silent(path)
        assert "nothing on the Hub was changed" not in str(caught.value)
        broken.hub.faults.clear()
        broken.push()
        assert broken.stored() == broken.expected()
        assert len(broken.hub.commits(ID)) == 2


def test_a_busy_hub_is_waited_for(scene):
    count, commits, files = count_of_requests(scene)
    for number in range(1, count + 1):
        with scene() as busy:
            assert busy.push_broken(429, number) is None
            assert busy.hub.files(ID) == files
            assert len(busy.hub.commits(ID)) == commits
