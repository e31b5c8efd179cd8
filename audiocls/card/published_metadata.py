"""Metadata of a card on the Hub: ours written anew, what people added to it kept.

What a push writes is noted as short hashes, so that the next one tells it from what people wrote.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from audiocls.card.text import one_line

EXAMPLE = re.compile(r"/(?P<repo_id>[^/]+/[^/]+)/resolve/[^/]+/examples/[^/]+\.flac")
_GROWING = ("tags", "metrics")  # lists that people add to, and of which nothing of ours goes out of date
_OURS = ("library_name", "pipeline_tag")
UNKNOWN = "unknown"


@dataclass
class Publication:
    """What is published, and what is noted of it: `record` is what the last push noted, `noted` what this one does."""

    repo_id: str
    license: str | None
    dataset_id: str | None
    examples: Sequence[tuple[str, str]]
    record: frozenset[str]
    noted: set[str] = field(default_factory=set)

    def note(self, *facts: Any) -> bool:
        """Note what comes from the model folder, and say whether the last push noted the same."""
        self.noted.add(_hash(facts))
        return self.was_noted(*facts)

    def was_noted(self, *facts: Any) -> bool:
        return _hash(facts) in self.record

    def settled(self, name: str, local: Any, remote: Any) -> Any:
        """Of a text or value of theirs, that of the folder or that of the Hub: the one changed since the last push.

        None, or an empty text, is none. What was taken away on the Hub stays away; what is only on the Hub stays.
        """
        noted = bool(local) and self.note(name, local)
        if not remote:
            return None if noted else local
        if not local or self.was_noted(name, remote) <= noted:
            return remote
        return local

    def keep_dataset(self, local: Mapping[str, Any], linked: str | None) -> None:
        """Take the data set that the card on the Hub links to, if these are the same data."""
        if linked and self.was_noted("data", data_name(local), linked):
            self.dataset_id = linked


def _hash(facts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:8]


def data_name(values: Mapping[str, Any]) -> str:
    """What the local card calls its data."""
    for model in _dicts(values.get("model-index")):
        for result in _dicts(model.get("results")):
            dataset = result.get("dataset")
            return str(dataset.get("name", "")) if isinstance(dataset, dict) else ""
    return ""


def merged_metadata(local: Mapping[str, Any], remote: Mapping[str, Any], publication: Publication) -> dict[str, Any]:
    """The metadata to publish, in the order of the remote card."""
    dataset = publication.dataset_id.partition("@")[0] if publication.dataset_id else None
    if dataset:
        publication.note("data", data_name(local), publication.dataset_id)
    merged: dict[str, Any] = {}
    for key in [*remote, *(key for key in local if key not in remote)]:
        here, there = local.get(key), remote.get(key)
        if key in _OURS:
            merged[key] = here or there
        elif key in _GROWING:
            merged[key] = _together(_items(there), _items(here))
        elif key not in ("license", "datasets", "base_model", "widget", "model-index"):
            merged[key] = publication.settled(f"key {key}", here, there)
            if merged[key] is None and key in remote:
                merged[key] = there  # such as a key with no or a false value
        else:
            merged[key] = None  # keeps its place
    named = [name for name in (dataset, *_items(local.get("datasets"))) if name]
    merged["license"] = licence(local, remote, publication)
    merged["datasets"] = _renewed("datasets", named, _items(remote.get("datasets")), publication)
    merged["base_model"] = _base_model(local.get("base_model"), remote.get("base_model"), publication)
    merged["widget"] = _widget(local.get("widget"), remote.get("widget"), publication)
    merged["model-index"] = _model_index(local, remote.get("model-index"), publication)
    emptied = ("datasets", "base_model", "widget", "model-index")
    return {key: value for key, value in merged.items() if key not in emptied or value}


def licence(local: Mapping[str, Any], remote: Mapping[str, Any], publication: Publication) -> Any:
    """Ours if we know one, else what is chosen on the Hub."""
    if publication.license:
        return publication.license.strip().lower()
    return known_licence(local.get("license")) or known_licence(remote.get("license")) or UNKNOWN


def known_licence(value: Any) -> Any:
    return None if value == UNKNOWN else value


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _together(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Both lists without what is there twice."""
    found: list[Any] = []
    for item in [*first, *second]:
        if item not in found:
            found.append(item)
    return found


def _renewed(name: str, ours: Sequence[Any], there: Sequence[Any], publication: Publication) -> list[Any]:
    """What is on the Hub, less what an earlier push wrote and is no longer true, and ours."""
    kept = [item for item in there if item in ours or not publication.was_noted(name, item)]
    for item in ours:
        publication.note(name, item)
    return _together(kept, ours)


def _base_model(here: Any, there: Any, publication: Publication) -> Any:
    if here:
        publication.note("base_model", here)
        return here
    return None if publication.was_noted("base_model", there) else there


def _widget(here: Any, there: Any, publication: Publication) -> list[Any]:
    """Our example clips, and examples that people added."""
    from huggingface_hub import constants

    ours = [
        {
            "src": f"{constants.ENDPOINT}/{publication.repo_id}/resolve/main/{quote(path)}",
            "example_title": one_line(label),
        }
        for label, path in publication.examples
    ]
    local = [item for item in _items(here) if not _is_example(item)]
    kept = [item for item in _items(there) if not _is_example(item, publication.repo_id)]
    return _together(ours, _renewed("widget", local, kept, publication))


def _is_example(item: Any, repo_id: str | None = None) -> bool:
    """Whether an entry offers a clip that a push has put there."""
    found = EXAMPLE.search(str(item.get("src"))) if isinstance(item, dict) else None
    return found is not None and repo_id in (None, found["repo_id"])


def _model_index(local: Mapping[str, Any], remote: Any, publication: Publication) -> list[Any]:
    """Our scores, and those that people added: for other data, from other sources, or by other measures."""
    name = publication.repo_id.rpartition("/")[2]
    results = [_on_dataset(result, publication) for result in _results(local.get("model-index"))]
    for result in results:
        publication.note("result", result)
    names = {name, *(model.get("name") for model in _dicts(local.get("model-index")))}
    others = []
    for model in _items(remote):
        if not isinstance(model, dict):
            continue
        theirs = [result for result in _dicts(model.get("results")) if not publication.was_noted("result", result)]
        if model.get("name") in names:
            results = _with_theirs(results, theirs)
        elif theirs:
            others.append({**model, "results": theirs})
    ours = [{"name": name, "results": results}] if results else []
    return ours + others


def _results(index: Any) -> list[dict[str, Any]]:
    return [result for model in _dicts(index) for result in _dicts(model.get("results"))]


def _on_dataset(result: dict[str, Any], publication: Publication) -> dict[str, Any]:
    """The result, on the data set of the Hub that holds these data."""
    dataset = result.get("dataset")
    if not publication.dataset_id or not isinstance(dataset, dict) or result.get("source"):
        return result
    repo_id, _, revision = publication.dataset_id.partition("@")
    if dataset.get("type") not in ("audiofolder", repo_id):
        return result  # somebody else's
    dataset = {**dataset, "type": repo_id} | ({"revision": revision} if revision else {})
    return {**result, "dataset": dataset}


def _with_theirs(ours: list[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our results; theirs on the same data only add the measures that we lack."""
    merged = {json.dumps(_identity(result), sort_keys=True, default=str): result for result in ours}
    for result in theirs:
        key = json.dumps(_identity(result), sort_keys=True, default=str)
        if key not in merged:
            merged[key] = result
            continue
        metrics = _dicts(merged[key].get("metrics"))
        known = [_measure(metric) for metric in metrics]
        added = [metric for metric in _dicts(result.get("metrics")) if _measure(metric) not in known]
        if added:
            merged[key] = {**merged[key], "metrics": metrics + added}
    return list(merged.values())


def _identity(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "metrics"}


def _measure(metric: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metric.items() if name not in ("value", "verified", "verifyToken")}
