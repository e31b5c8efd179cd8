"""The rooms of the package: imports point down only, modules stay small, public names are real."""

import ast
import importlib
from pathlib import Path

import pytest

import audiocls

PACKAGE = Path(audiocls.__file__).parent
LONGEST_MODULE = 300

# From the bottom to the top; a room imports from its own row and the rows above it in this list.
ROWS = [
    ["errors", "__init__"],
    ["settings", "text_layout", "kind_names", "models"],
    ["config", "setting_groups"],
    ["whole_files", "model_folder", "arguments", "hub", "audio"],
    ["data"],
    ["training", "inference", "attribution", "feedback", "evaluation", "detection", "card", "publishing"],
    ["classical", "pretrained"],
    ["kinds", "recordings"],
    ["predictions", "scoring", "finishing", "mistakes", "inspection", "corpus", "cutting"],
    ["comparison"],
    ["experiment", "assessment"],
    ["tuning"],
    ["ui"],
    ["commands", "cli"],
]
RANK = {room: rank for rank, row in enumerate(ROWS) for room in row}
SPACE_FILES = PACKAGE / "publishing" / "space_files"  # of a Space, which is no room of this package
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if SPACE_FILES not in path.parents)


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] if node.module != "audiocls" else [f"audiocls.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "audiocls" and len(parts) > 1 and not parts[1].startswith("__"):
                yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    if path == PACKAGE / "__init__.py":  # the public names, resolved at first use
        return
    for room in imported_rooms(path):
        assert RANK[room] <= RANK[room_of(path)], f"{path.name} imports {room}, which lies above it"


def test_the_exported_model_imports_nothing_else_of_the_package():
    for path in (PACKAGE / "models").glob("*.py"):
        assert not list(imported_rooms(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert ast.get_docstring(ast.parse(text))


def test_every_public_name_is_there():
    assert sorted(audiocls.__all__) == audiocls.__all__
    for name in audiocls.__all__:
        assert getattr(audiocls, name).__doc__
    with pytest.raises(AttributeError):
        _ = audiocls.nothing


def test_every_module_is_reachable_and_importable():
    for path in MODULES:
        name = ".".join(("audiocls", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        importlib.import_module(name)
