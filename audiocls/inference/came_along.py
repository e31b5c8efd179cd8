"""What became of the code that came with a model from the Hub: one line that says whose code runs.

audiocls models are built by the installed classes whatever comes with them; this compares the two, and runs nothing.
"""

from pathlib import Path
from typing import Any

from audiocls import __version__
from audiocls.inference.download import ModelFiles

OURS = Path(__file__).parents[1] / "models"
_MOST_NAMED = 2


def what_ran(files: ModelFiles, model: Any) -> tuple[str, ...]:
    """Lines for the user of a model: which commit of the Hub it is, and whose code runs. None for a folder."""
    if files.hub_id is None:
        return ()
    kind = type(model)
    if kind.__module__.startswith("audiocls."):
        told = _compared(files.folder)
    elif kind.__module__.startswith("transformers_modules."):
        told = f"it runs code of its own ({named(sorted(path.name for path in files.folder.glob('*.py')))})"
    else:
        told = "it is built by transformers alone"
    line = f"{files.hub_id.repo_id} at {str(files.commit)[:7]}: {told}"
    return (files.note, line) if files.note else (line,)


def _compared(folder: Path) -> str:
    """How the code in a folder compares with the installed audiocls."""
    came = sorted(folder.glob("*.py"))
    strange = [path.name for path in came if not (OURS / path.name).is_file()]
    other = [
        path.name for path in came if path.name not in strange and path.read_bytes() != (OURS / path.name).read_bytes()
    ]
    if strange:
        return f"{named(strange)} is no code of audiocls {__version__}; the installed audiocls is run instead"
    if other:
        return (
            f"its code differs from that of audiocls {__version__} ({named(other)}; another version?); the installed "
            "audiocls is run instead"
        )
    return f"its code is that of audiocls {__version__}" if came else f"run by audiocls {__version__}"


def named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
