"""A Gradio Space that serves a model from its own folder alone: what it is made of, without sending it anywhere."""

import ast
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huggingface_hub import SpaceCard, SpaceCardData

import audiocls
from audiocls.card.examples import ATTRIBUTION, EXAMPLES
from audiocls.card.model_card import README, TASK
from audiocls.card.text import escape
from audiocls.errors import ModelError
from audiocls.inference.model_config import OWN_TYPES, read_config
from audiocls.publishing.card_checks import card_metadata

TEMPLATES = Path(__file__).with_name("space_files")
PACKAGE = Path(audiocls.__file__).parent
# The tabs of a Space: nobody trains or publishes there.
TABS = ("classify", "live", "recording", "batch", "model")
# What functions import later is followed into these rooms; methods that reach beyond are of no use in a Space.
ROOMS = (
    *("attribution", "audio", "corpus", "detection", "errors", "feedback", "hub", "inference", "models"),
    *("recordings", "ui"),
)
NAMED_FILES = (".css", ".js", ".html")  # beside the modules that name them

MODEL_FILES = ("*.json", "*.safetensors", "LICENSE*")
LEFT_OUT = ("training_config.json", "training_hist.json", "test_examples.json", "splits.json")
PACKAGES = ("torch", "transformers", "safetensors", "numpy", "scipy", "soundfile", "soxr", "av", "matplotlib",
            "pyarrow", "xxhash")  # fmt: skip
PYTHON_VERSION = "3.12"  # the newest that ZeroGPU has, too
SHORTEST_DESCRIPTION = "Tells {number} kinds of sound apart, live or from a file"
NAMED_LABELS = 12
OWNED = re.compile(r"(app\.py|requirements\.txt|(audiocls|model|examples)/.*)")


def space_files(
    model_folder: Path, repo_id: str, *, license: str | None = None, examples: bool = True
) -> dict[str, Path | bytes]:
    """Everything in a Space for a model, by its path there: the content, or the file that has it.

    It holds the model itself in `model/`, with its examples, and a slice of this package, so it needs no token, nothing
    from the Hub and only the packages of its requirements.txt. Private models stay private: give the Space the same
    visibility.

    Args:
        model_folder: a complete model folder; the clips in its `examples/` are offered to try.
        repo_id: of the model, "user/name"; it is named and linked to.
        license: of the Space, as the Hub names it; that of the model card unless given.
        examples: whether the example clips of the model folder come along.

    Raises:
        ModelError: the folder has no readable configuration, or the model needs code that is not ours.
    """
    model_folder = Path(model_folder)
    config = read_config(model_folder, str(model_folder))
    if config.get("auto_map") and config.get("model_type") not in OWN_TYPES:
        raise ModelError(
            f"{model_folder} comes with its own code (type {config.get('model_type')}), which a Space of audiocls does "
            "not run; it serves audiocls models and those of transformers"
        )
    clips = sorted(path for path in (model_folder / EXAMPLES).glob("*") if path.is_file()) if examples else []
    credited = any(path.name == ATTRIBUTION for path in clips)
    files: dict[str, Path | bytes] = {
        README: readme(model_folder, config, repo_id, license, credited).encode(),
        "app.py": app(repo_id).encode(),
        "requirements.txt": requirements(config, model_folder).encode(),
    }
    files |= {f"audiocls/{path.relative_to(PACKAGE).as_posix()}": path for path in library_slice()}
    files["audiocls/__init__.py"] = library_init().encode()
    for pattern in MODEL_FILES:
        for path in model_folder.glob(pattern):
            if path.is_file() and path.name not in LEFT_OUT:
                files[f"model/{path.name}"] = path
    files |= {f"model/{EXAMPLES}/{path.name}": path for path in clips if not path.name.startswith(".")}
    return dict(sorted(files.items()))


def is_ours(path: str) -> bool:
    """Whether a file of a Space is one that `space_files` makes, and to be deleted when it makes it no longer."""
    return OWNED.fullmatch(path) is not None


def readme(
    model_folder: Path, config: dict[str, Any], repo_id: str, license: str | None = None, credited: bool = False
) -> str:
    """The Space's README.md, whose front matter configures it (huggingface.co/docs/hub/spaces-config-reference)."""
    labels = labels_of(config, model_folder)
    title = repo_id.split("/")[-1]
    named = ", ".join(escape(label) for label in labels[:NAMED_LABELS])
    data = SpaceCardData(
        title=title,
        emoji="🔊",
        colorFrom="green",
        colorTo="blue",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=PYTHON_VERSION,
        app_file="app.py",
        pinned=False,
        license=license or licence_of(model_folder),
        models=[repo_id],
        tags=[TASK, "audiocls"],
        short_description=SHORTEST_DESCRIPTION.format(number=len(labels)),
        suggested_hardware="cpu-basic",
    )
    card = SpaceCard.from_template(
        data,
        template_path=str(TEMPLATES / README),
        title=title,
        repo_id=repo_id,
        labels=named + (f" and {len(labels) - NAMED_LABELS} more" if len(labels) > NAMED_LABELS else ""),
        sdk_version=data.sdk_version,
        attribution=f"model/{EXAMPLES}/{ATTRIBUTION}" if credited else None,
    )
    return str(card).rstrip() + "\n"


def app(repo_id: str) -> str:
    """The Space's app.py."""
    text = (TEMPLATES / "app.py").read_text(encoding="utf-8")
    return text.replace('MODEL_ID = "user/name"', f'MODEL_ID = "{repo_id}"', 1)


def requirements(config: dict[str, Any], model_folder: Path) -> str:
    """The Space's requirements.txt: what the app imports, as installed here. gradio comes with the Space itself.

    torch is the one of PyPI: it computes on the free CPU hardware, and its version is one that ZeroGPU knows.
    """
    lines = ["# Versions that the model was tried with. gradio comes with the Space (sdk_version in README.md)."]
    lines += [f"{name}=={version(name).split('+')[0]}" for name in PACKAGES]
    preprocessor = model_folder / "preprocessor_config.json"
    extractor = preprocessor.read_text(encoding="utf-8") if preprocessor.is_file() else ""
    if "ASTFeatureExtractor" in extractor + str(config.get("members", "")):  # it has other numbers without torchaudio
        lines.append(f"torchaudio=={version('torchaudio').split('+')[0]}")
    return "\n".join(lines) + "\n"


def roots() -> list[Path]:
    """The modules a Space's app begins with: those its app.py names, and its tabs, which the page imports by name."""
    named = modules_named(ast.parse((TEMPLATES / "app.py").read_text(encoding="utf-8")).body, PACKAGE / "app.py")
    return [*named, *(PACKAGE / "ui" / name / "tab.py" for name in TABS)]


@lru_cache
def library_slice() -> tuple[Path, ...]:
    """The files of this package that the app needs: the modules it names, what they import, what their functions
    import later, as far as it lies in ROOMS, and the scripts and styles that any of them names."""
    found: set[Path] = set()
    waiting = roots()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for folder in path.parents[: len(path.relative_to(PACKAGE).parts) - 1]:
            waiting.append(folder / "__init__.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        first = set(top_level(tree))
        waiting += modules_named(first, path)
        later = [node for node in ast.walk(tree) if node not in first]
        waiting += [each for each in modules_named(later, path) if room_of(each) in ROOMS]
        found |= {file for file in files_named(tree, path) if file.is_file()}
    return tuple(sorted(found))


def top_level(tree: ast.Module) -> Iterable[ast.AST]:
    """What runs when a module is imported, also within `if` and `try`; not what is only for the checker of types."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt | ast.ExceptHandler)]
        elif isinstance(node, ast.ExceptHandler):
            waiting += node.body
        else:
            yield node


def files_named(tree: ast.Module, path: Path) -> list[Path]:
    """Where the scripts, styles and templates lie that the strings of a module name."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [path.with_name(text) for text in texts if text.endswith(NAMED_FILES) and Path(text).name == text]


def modules_named(nodes: Iterable[ast.AST], path: Path) -> list[Path]:
    """Files of this package that the import statements among `nodes` of the module at `path` name."""
    names: list[tuple[str, ...]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = ("audiocls", *path.relative_to(PACKAGE).parts[:-1]) if node.level else ()
            module = (*here, *(node.module.split(".") if node.module else ()))
            names += [module, *((*module, alias.name) for alias in node.names)]
    files = [PACKAGE.joinpath(*name[1:]).with_suffix(".py") for name in names if name[0] == "audiocls" and name[1:]]
    return [file for file in files if file.is_file()]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def library_init() -> str:
    """The slice's own `__init__.py`: the package's registers models with transformers, of which a Space has no use."""
    told = (
        f"The part of audiocls {audiocls.__version__} that decodes sounds and runs models; all but this file unchanged."
    )
    return f'"""{told}"""\n\n__version__ = "{audiocls.__version__}"\n'


def labels_of(config: dict[str, Any], model_folder: Path) -> list[str]:
    """The model's labels in order.

    Raises:
        ModelError: the configuration names none.
    """
    found = config.get("id2label")
    if not isinstance(found, dict) or not found:
        raise ModelError(f"{model_folder / 'config.json'} names no labels (id2label)")
    return [str(found[key]) for key in sorted(found, key=int)]


def licence_of(model_folder: Path) -> str | None:
    """The licence that the model card names."""
    path = model_folder / README
    return card_metadata(path).get("license") if path.is_file() else None
