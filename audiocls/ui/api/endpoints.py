"""The endpoints of `functions.Endpoints` on the page: their names, types and descriptions."""

from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from audiocls.ui.api.functions import PART_FIELDS, Endpoints
from audiocls.ui.api.uploads import check_arguments, checked_file, checked_files, file_argument, files_argument
from audiocls.ui.context import AppContext
from audiocls.ui.limits import (
    LARGEST_SOUND_BYTES,
    LONGEST_RECORDING_SECONDS,
    LONGEST_SOUND_SECONDS,
    MOST_BATCH_FILES,
)
from audiocls.ui.sounds import SCORES_SCHEMA
from audiocls.ui.texts import api as texts

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_TRUTH: Schema = {"type": "boolean"}
_NUMBER_OR_NOTHING: Schema = {"anyOf": [_NUMBER, {"type": "null"}]}
_TEXT_OR_NOTHING: Schema = {"anyOf": [_TEXT, {"type": "null"}]}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


_PREDICTIONS = {key: value for key, value in SCORES_SCHEMA.items() if key != "description"}
_ANSWER = {
    "answer": _TEXT_OR_NOTHING,
    "closest": _TEXT,
    "reason": _TEXT_OR_NOTHING,
    "known_score": _NUMBER_OR_NOTHING,
    "predictions": _PREDICTIONS,
}
_PART = {name: _NUMBER if name in ("start", "end", "weight") else _NUMBER_OR_NOTHING for name in PART_FIELDS}
_EVENT = {
    "start_seconds": _NUMBER,
    "end_seconds": _NUMBER,
    "label": _TEXT,
    "peak_score": _NUMBER,
    "mean_score": _NUMBER,
}
_SCORES = _object(
    split=_TEXT_OR_NOTHING,
    size=_NUMBER_OR_NOTHING,
    interval_level=_NUMBER_OR_NOTHING,
    scores=_list(_object(name=_TEXT, value=_NUMBER, interval={"anyOf": [_list(_NUMBER), {"type": "null"}]})),
)
RETURNED: dict[str, Schema] = {
    "classify": SCORES_SCHEMA,
    "answer": _object(**_ANSWER),
    "explain": _object(
        label=_TEXT,
        score=_NUMBER,
        kept_score=_NUMBER,
        removed_score=_NUMBER,
        method=_TEXT,
        parts=_list(_object(**_PART)),
    ),
    "detect": _list(_object(**_EVENT, note=_TEXT)),
    "classify_files": _list(_object(file=_TEXT, error=_TEXT, **_ANSWER)),
    "models": _list(_TEXT),
    "describe": _object(
        name=_TEXT,
        labels=_list(_TEXT),
        multi_label=_TRUTH,
        tells_none_of_these=_TRUTH,
        sampling_rate=_NUMBER,
        window_seconds=_NUMBER,
        scores={"anyOf": [_SCORES, {"type": "null"}]},
        licence=_TEXT_OR_NOTHING,
        limits=_object(sound_seconds=_NUMBER, sound_bytes=_NUMBER, recording_seconds=_NUMBER, files=_NUMBER),
    ),
}


def build_endpoints(context: AppContext, blocks: gr.Blocks) -> None:
    """Add the endpoints to the Blocks that are being built. They wait their turns outside gradio's queue."""
    endpoints = Endpoints(context)
    model = Api("", _TEXT, "model")
    label = Api("", _TEXT, "label")
    sound, files = file_argument("sound"), files_argument("files")
    threshold, shortest, gap = (
        Api(None, _NUMBER_OR_NOTHING, name) for name in ("threshold", "min_duration_seconds", "merge_gap_seconds")
    )
    arguments: dict[str, list[Api]] = {
        "classify": [sound, model],
        "answer": [sound, model],
        "explain": [sound, label, model],
        "detect": [sound, model, threshold, shortest, gap],
        "classify_files": [files, model],
        "models": [],
        "describe": [model],
    }
    limits = {
        "minutes": LONGEST_SOUND_SECONDS / 60,
        "megabytes": LARGEST_SOUND_BYTES / 1e6,
        "hours": LONGEST_RECORDING_SECONDS / 3600,
        "files": MOST_BATCH_FILES,
    }
    for name, inputs in arguments.items():
        gr.on(
            [],
            getattr(endpoints, name),
            inputs=list(inputs),
            outputs=[Api(None, RETURNED[name], name)],
            api_name=name,
            api_description=getattr(texts, name.upper()).format(**limits),
            queue=False,
        )
    check_arguments(blocks, {sound: checked_file, files: checked_files})
