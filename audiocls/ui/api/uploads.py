"""Files as arguments of the endpoints: what a program may name, and a clear word for what it may not.

A program uploads a file first and then gives its path, its address on this app, or what gradio's clients make of them;
or it gives a small one at once, as a `data:` address. Nothing else is read, and nothing is fetched from anywhere.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.components.api_component import Api
from gradio.data_classes import FileData
from gradio.processing_utils import save_base64_to_cache
from gradio.utils import get_upload_folder

from audiocls.ui.batch.run import Given
from audiocls.ui.limits import LARGEST_SENT_ALONG_BYTES, MOST_BATCH_FILES
from audiocls.ui.sounds import told
from audiocls.ui.texts import api as texts

_SERVED = "/gradio_api/file="


def file_argument(label: str) -> Api:
    """One uploaded file; what the function gets is for `given`, or None."""
    return Api(None, _file_schema(), label)


def files_argument(label: str) -> Api:
    """Several uploaded files; the function gets a list of what is for `given`."""
    schema = _file_schema()
    definitions: Any = schema.pop("$defs", {})
    return Api(None, {"type": "array", "items": schema, "$defs": definitions}, label)  # type: ignore[dict-item]


def given(payload: dict[str, Any]) -> Given:
    """A file as a function got it."""
    path = Path(payload["path"])
    return Given(payload.get("orig_name") or path.name, path)


def checked_file(value: Any) -> dict[str, Any] | None:
    """What a program sent as one file, as gradio's own form of an uploaded file.

    Raises:
        gr.Error: it is no file, or none that was uploaded.
    """
    return None if value is None else _checked(value)


def checked_files(value: Any) -> list[dict[str, Any]]:
    """What a program sent as several files; errors as of `checked_file`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise told(texts.NO_LIST.format(what=_what(value)))
    if len(value) > MOST_BATCH_FILES:
        raise told(texts.TOO_MANY.format(number=len(value), limit=MOST_BATCH_FILES))
    return [_checked(each) for each in value]


def check_arguments(blocks: gr.Blocks, checks: Mapping[Api, Callable[[Any], Any]]) -> None:
    """Have what programs send looked at before gradio does: one line for what is wrong, not a traceback in the log.

    An argument that is left out at the end gets its default.

    Args:
        checks: for arguments that are files, `checked_file` or `checked_files`.
    """
    by_id = {component._id: check for component, check in checks.items()}
    gradios_own = blocks.validate_inputs

    def validate_inputs(block_fn: Any, inputs: list[Any]) -> None:
        for component in block_fn.inputs[len(inputs) :]:
            if not isinstance(component, Api) or component._id in by_id:
                break
            inputs.append(component.value)
        try:
            gradios_own(block_fn, inputs)
        except ValueError as error:
            raise told(texts.TOO_FEW.format(wanted=len(block_fn.inputs), given=len(inputs))) from error
        for place, component in enumerate(block_fn.inputs):
            if check := by_id.get(component._id):
                inputs[place] = check(inputs[place])

    blocks.validate_inputs = validate_inputs  # type: ignore[method-assign]


def _file_schema() -> dict[str, Any]:
    """Gradio's own, by which its clients know a file, without the words about its class."""
    return FileData.model_json_schema() | {"description": texts.FILE}


def _checked(value: Any) -> dict[str, Any]:
    sent = {"path": value} if isinstance(value, str) else value
    path = sent.get("path") if isinstance(sent, dict) else None
    if not isinstance(path, str):
        raise told(texts.NO_FILE.format(what=_what(value)))
    if path.startswith("data:"):
        path = _sent_along(path)
    elif path.lower().startswith(("http://", "https://")):
        _, served, path = urlsplit(path).path.partition(_SERVED)
        if not served:
            raise told(texts.FROM_ELSEWHERE)
        path = unquote(path)
    name = sent.get("orig_name")
    return {
        "path": str(_uploaded(path)),
        "orig_name": name if isinstance(name, str) and name else None,
        "meta": {"_type": "gradio.FileData"},
    }


def _uploaded(path: str) -> Path:
    """A path that leads to an uploaded file."""
    try:
        found = Path(path).resolve()
        if found.is_relative_to(Path(get_upload_folder()).resolve()) and found.is_file():
            return found
    except (OSError, ValueError):  # a name too long, or with a zero in it
        pass
    raise told(texts.NOT_UPLOADED)


def _sent_along(address: str) -> str:
    """The path of a file that came as a `data:` address, saved among the uploaded ones."""
    if len(address) > LARGEST_SENT_ALONG_BYTES * 4 / 3:
        raise told(texts.TOO_LARGE_SENT_ALONG.format(limit=LARGEST_SENT_ALONG_BYTES / 1e6))
    try:
        return save_base64_to_cache(address, get_upload_folder())
    except (ValueError, OSError) as error:
        raise told(texts.BAD_DATA) from error


def _what(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), "nothing" if value is None else "text"
    )
