"""What the Hub says about a repository: the fields of `model_info`, `dataset_info` and `space_info`."""

import json
import math
import struct
from typing import Any

from tests.hub_server.metadata import read_metadata
from tests.hub_server.storage import Commit, Repository, Store, StoredFile


def repository_info(store: Store, repository: Repository, oid: str, with_sizes: bool = False) -> dict[str, Any]:
    """The information of a repository at one commit; `with_sizes` adds sizes and hashes of its files."""
    files = repository.commits[oid].files
    card = read_metadata(store.read(files["README.md"]).decode("utf-8", "replace")) if "README.md" in files else {}
    info: dict[str, Any] = {
        "_id": "0" * 24,
        "id": repository.id,
        "author": repository.owner,
        "sha": oid,
        "createdAt": repository.created,
        "lastModified": repository.commits[oid].date,
        "private": repository.private,
        "gated": repository.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": _tags(repository, card),
        "cardData": card,
        "siblings": [_sibling(path, file, with_sizes) for path, file in sorted(files.items())],
        "usedStorage": sum(file.size for file in files.values()),
    }
    if repository.type == "model":
        info |= _of_model(store, repository, files, card)
    if repository.type == "dataset":
        info |= {"description": None, "citation": None, "paperswithcode_id": None}
    if repository.type == "space":
        info |= {"sdk": card.get("sdk") or repository.sdk, "subdomain": repository.id.replace("/", "-"), "models": []}
        info |= {"datasets": [], "runtime": space_runtime(repository)}
    return info


def space_runtime(repository: Repository) -> dict[str, Any]:
    """Whether a Space could run; this server runs none."""
    files = repository.commits[repository.refs["refs/heads/main"]].files
    stage = "RUNNING" if "app.py" in files or "index.html" in files or "Dockerfile" in files else "NO_APP_FILE"
    hardware = repository.hardware or "cpu-basic"
    return {
        "stage": stage,
        "hardware": {"current": hardware if stage == "RUNNING" else None, "requested": hardware},
        "storage": None,
        "gcTimeout": 172800,
        "replicas": {"current": 1, "requested": 1},
        "devMode": False,
    }


def _tags(repository: Repository, card: dict[str, Any]) -> list[str]:
    tags = [card.get("library_name"), *_many(card.get("tags")), card.get("pipeline_tag")]
    tags += [f"dataset:{name}" for name in _many(card.get("datasets"))]
    tags += [f"base_model:{name}" for name in _many(card.get("base_model"))]
    tags += [f"license:{name}" for name in _many(card.get("license"))]
    if repository.type == "space":
        tags.insert(0, card.get("sdk") or repository.sdk)
    return list(dict.fromkeys(str(tag) for tag in tags if tag))


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _sibling(path: str, file: StoredFile, with_sizes: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"rfilename": path}
    if with_sizes:
        found |= {"size": file.size, "blobId": file.oid}
        if file.is_large:
            found["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    return found


def _of_model(
    store: Store, repository: Repository, files: dict[str, StoredFile], card: dict[str, Any]
) -> dict[str, Any]:
    info: dict[str, Any] = {
        "modelId": repository.id,
        "pipeline_tag": card.get("pipeline_tag"),
        "library_name": card.get("library_name"),
        "model-index": card.get("model-index"),
        "widgetData": card.get("widget"),
        "spaces": [
            space.id
            for space in store.all("space")
            if not space.private and repository.id in _many(_card(store, space).get("models"))
        ],
    }
    if "config.json" in files:
        try:
            config = json.loads(store.read(files["config.json"]))
        except ValueError:
            config = {}
        info["config"] = {name: config[name] for name in ("architectures", "model_type", "auto_map") if name in config}
        if "architectures" in info["config"]:
            info["transformersInfo"] = {
                "auto_model": "AutoModelForAudioClassification",
                "pipeline_tag": card.get("pipeline_tag"),
            }
    if "model.safetensors" in files and (counts := _parameters(store.read(files["model.safetensors"]))):
        info["safetensors"] = {"parameters": counts, "total": sum(counts.values())}
    return info


def _card(store: Store, repository: Repository) -> dict[str, Any]:
    files = repository.commits[repository.refs["refs/heads/main"]].files
    return read_metadata(store.read(files["README.md"]).decode("utf-8", "replace")) if "README.md" in files else {}


def _parameters(content: bytes) -> dict[str, int]:
    """Numbers of parameters by type, from the head of a safetensors file; empty for anything else."""
    try:
        (length,) = struct.unpack("<Q", content[:8])
        head = json.loads(content[8 : 8 + length])
        counts: dict[str, int] = {}
        for name, tensor in head.items():
            if name != "__metadata__":
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + math.prod(tensor["shape"])
    except (ValueError, KeyError, TypeError, struct.error, AttributeError):
        return {}
    return counts


def commit_entry(commit: Commit) -> dict[str, Any]:
    """A commit in a list of commits."""
    return {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.description,
        "date": commit.date,
        "authors": [{"user": commit.author}],
    }
