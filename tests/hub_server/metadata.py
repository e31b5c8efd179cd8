"""What the Hub accepts at the top of a README: the simple rules of its check, for models, data sets and Spaces.

The messages follow the Hub's ("license" must be one of [...]); the real check knows more fields than these.
"""

import re
from typing import Any

import yaml


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LICENSES = _words(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc
    cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0
    cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c
    ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa
    unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1
    llama3.2 llama3.3 llama4 gemma unknown other
    """
)
TASKS = _words(
    """
    any-to-any audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition
    depth-estimation document-question-answering feature-extraction fill-mask graph-ml image-classification
    image-feature-extraction image-segmentation image-text-to-text image-to-3d image-to-image image-to-text
    image-to-video keypoint-detection mask-generation multiple-choice object-detection other question-answering
    reinforcement-learning robotics sentence-similarity summarization table-question-answering
    tabular-classification tabular-regression text-classification text-generation text-ranking text-retrieval
    text-to-3d text-to-audio text-to-image text-to-speech text-to-video time-series-forecasting
    token-classification translation unconditional-image-generation video-classification video-text-to-text
    video-to-video visual-document-retrieval visual-question-answering voice-activity-detection
    zero-shot-classification zero-shot-image-classification zero-shot-object-detection
    """
)
SDKS = ("gradio", "docker", "static", "streamlit")
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_SIZES = r"n<1K|1K<n<10K|10K<n<100K|100K<n<1M|1M<n<10M|10M<n<100M|100M<n<1B|1B<n<10B|10B<n<100B|100B<n<1T|n>1T"
_BLOCK = re.compile(r"\A\s*---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_REPO = re.compile(r"[\w.-]+(/[\w.-]+)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[\w-]+)?|code|multilingual")


def read_metadata(text: str) -> dict[str, Any]:
    """The metadata of a README; empty when there is none or it cannot be read."""
    block = _BLOCK.match(text)
    try:
        found = yaml.safe_load(block["yaml"]) if block else None
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def check_readme(text: str, repo_type: str) -> tuple[list[str], list[str]]:
    """The errors and the warnings that the Hub would give for a README."""
    block = _BLOCK.match(text)
    if block is None:
        if repo_type == "space":
            return ["Missing configuration in README"], []
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        found = yaml.safe_load(block["yaml"])
    except yaml.YAMLError as error:
        return [" ".join(str(error).split())], []
    if found is None:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(found, dict):
        return ["metadata must be an object"], []
    errors = _common(found) + {"model": _model, "dataset": _dataset, "space": _space}[repo_type](found)
    return errors, []


def _common(data: dict[str, Any]) -> list[str]:
    errors = [f'"{name}" must be an array' for name in ("tags",) if not _optional_list(data, name)]
    names = data.get("license")
    if names is not None:
        if not _strings(names):
            errors.append('"license" must be a string')
        else:
            unknown = [name for name in ([names] if isinstance(names, str) else names) if name not in LICENSES]
            errors += [f'"license" must be one of the known licenses, not {name!r}' for name in unknown]
        if names == "other" and not isinstance(data.get("license_name", "-"), str):
            errors.append('"license_name" must be a string')
    for name in ("datasets", "models", "base_model"):
        errors += _repositories(data, name)
    return errors


def _model(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be a string' for name in ("library_name", "pipeline_tag") if not _optional(data, name, str)
    ]
    errors += [f'"{name}" must be an array' for name in ("widget", "model-index") if not _optional(data, name, list)]
    if not _optional_list(data, "metrics"):
        errors.append('"metrics" must be an array of strings')
    errors += _languages(data)
    tag = data.get("pipeline_tag")
    if isinstance(tag, str) and tag not in TASKS:
        errors.append('"pipeline_tag" must be one of the known tasks')
    for number, example in enumerate(data.get("widget") or [] if isinstance(data.get("widget"), list) else []):
        if not isinstance(example, dict):
            errors.append(f'"widget[{number}]" must be of type object')
    for number, model in enumerate(data.get("model-index") or [] if isinstance(data.get("model-index"), list) else []):
        errors += _model_index(f"model-index[{number}]", model)
    return errors


def _model_index(where: str, model: Any) -> list[str]:
    if not isinstance(model, dict):
        return [f'"{where}" must be of type object']
    errors = [] if isinstance(model.get("name"), str) else [f'"{where}.name" must be a string']
    results = model.get("results")
    if not isinstance(results, list):
        return [*errors, f'"{where}.results" must be an array']
    for number, result in enumerate(results):
        here = f"{where}.results[{number}]"
        for part, names in (("task", ("type",)), ("dataset", ("type", "name"))):
            for name in names:
                if not isinstance((result.get(part) or {}).get(name), str):
                    errors.append(f'"{here}.{part}.{name}" is required')
        for metric in result.get("metrics") or [{}]:
            if not isinstance(metric.get("type"), str) or metric.get("value") is None:
                errors.append(f'"{here}.metrics" need a type and a value')
    return errors


def _dataset(data: dict[str, Any]) -> list[str]:
    errors = [] if _optional(data, "pretty_name", str) else ['"pretty_name" must be a string']
    errors += [
        f'"{name}" must be an array' for name in ("task_categories", "task_ids") if not _optional_list(data, name)
    ]
    sizes = data.get("size_categories") or []
    if not _strings(sizes) or not all(
        re.fullmatch(_SIZES, size) for size in ([sizes] if isinstance(sizes, str) else sizes)
    ):
        errors.append('"size_categories" must be an array of the known sizes')
    configs = data.get("configs")
    if configs is not None and not (
        isinstance(configs, list)
        and all(isinstance(one, dict) and isinstance(one.get("config_name"), str) for one in configs)
    ):
        errors.append('"configs" must be an array of objects with a "config_name"')
    return errors + _languages(data)


def _space(data: dict[str, Any]) -> list[str]:
    errors = [] if data.get("sdk") in SDKS else [f'"sdk" must be one of [{", ".join(SDKS)}]']
    errors += [
        f'"{name}" must be a string'
        for name in ("title", "emoji", "app_file", "sdk_version", "short_description")
        if not _optional(data, name, str)
    ]
    errors += [
        f'"{name}" must be one of [{", ".join(COLORS)}]'
        for name in ("colorFrom", "colorTo")
        if data.get(name, "red") not in COLORS
    ]
    if len(str(data.get("short_description") or "")) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    errors += [f'"{name}" must be a boolean' for name in ("pinned", "hf_oauth") if not _optional(data, name, bool)]
    return errors


def _repositories(data: dict[str, Any], name: str) -> list[str]:
    ids = data.get(name)
    if ids is None:
        return []
    if not _strings(ids):
        return [f'"{name}" must be an array of repository ids']
    bad = [one for one in ([ids] if isinstance(ids, str) else ids) if not _REPO.fullmatch(one)]
    return [f'"{name}" with value "{one}" is not valid. It must be a repository id' for one in bad]


def _languages(data: dict[str, Any]) -> list[str]:
    codes = data.get("language")
    if codes is None:
        return []
    if not _strings(codes) or not all(
        _LANGUAGE.fullmatch(code) for code in ([codes] if isinstance(codes, str) else codes)
    ):
        return ['"language" must only contain lowercase ISO 639 codes']
    return []


def _strings(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _optional(data: dict[str, Any], name: str, kind: type) -> bool:
    return data.get(name) is None or isinstance(data[name], kind)


def _optional_list(data: dict[str, Any], name: str) -> bool:
    return data.get(name) is None or (isinstance(data[name], list) and _strings(data[name]))
