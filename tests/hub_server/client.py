"""The Hub's client of this process pointed at a test server, and put back; surroundings for child processes.

`huggingface_hub`, `datasets` and `transformers` read addresses, folders and tokens from the environment when they are
imported, and keep copies in many places. `pointed_at` sets all of them: the server's address, an empty cache, no token,
no Xet, waits between retries cut short.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hub_server.server import Hub

LONGEST_WAIT_SECONDS = 0.01
# What a user's own setting could leak into a test.
FOREIGN = (
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_STORED_TOKENS_PATH", "HF_OIDC_RESOURCE"),
    *("HF_ENDPOINT", "HUGGINGFACE_CO_STAGING", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_IMPLICIT_TOKEN"),
    *("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ASSETS_CACHE", "HUGGINGFACE_ASSETS_CACHE"),
    *("HF_XET_CACHE", "HF_DATASETS_CACHE", "HF_MODULES_CACHE", "TRANSFORMERS_CACHE"),
    *("HF_DATASETS_DOWNLOADED_DATASETS_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"),
)


def environment(url: str, home: Path, *, token: str | None = None, xet: bool = False) -> dict[str, str]:
    """The variables of a process that shall use the server at `url`, with its caches in `home`."""
    variables = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    if not xet:
        variables["HF_HUB_DISABLE_XET"] = "1"
    if token:
        variables["HF_TOKEN"] = token
    return variables


def hub_environment(hub: Hub, token: str | None = None, xet: bool = False) -> dict[str, str]:
    """The whole environment of a child process that shall use this hub: nothing of the user's, an empty cache."""
    number = len(list(hub.root.glob("home-*")))
    home = hub.root / f"home-{number}"
    home.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | environment(hub.url, home, token=token, xet=xet)


@contextlib.contextmanager
def pointed_at(hub: Hub, home: Path) -> Iterator[pytest.MonkeyPatch]:
    """Point the clients of this process at a hub, their caches in `home`; `hub.waits` lists what retries waited."""
    import datasets.config
    import transformers.dynamic_module_utils
    import transformers.utils.hub
    from huggingface_hub import constants, file_download, hf_api
    from huggingface_hub.utils import _cache_assets, _cache_manager, _detect_agent, _git_credential, _http

    url, cache, assets, modules = hub.url, str(home / "hub"), str(home / "assets"), str(home / "modules")
    known_modules, known_path = set(sys.modules), list(sys.path)
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        for name, value in environment(url, home).items():
            patch.setenv(name, value)
        settings: dict[str, Any] = {
            "ENDPOINT": url,
            "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_URL_HOSTS": constants.HF_URL_HOSTS | {"127.0.0.1"},
            "HF_HOME": str(home),
            "HF_HUB_CACHE": cache,
            "HUGGINGFACE_HUB_CACHE": cache,
            "HF_ASSETS_CACHE": assets,
            "HUGGINGFACE_ASSETS_CACHE": assets,
            "HF_TOKEN_PATH": str(home / "token"),
            "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
            "AGENT_HARNESSES_PATH": str(home / ".agent_harnesses.json"),
            "CHECK_FOR_UPDATE_DONE_PATH": str(home / ".check_for_update_done"),
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_DISABLE_TELEMETRY": True,
            "HF_HUB_OFFLINE": False,
        }
        for name, value in settings.items():
            patch.setattr(constants, name, value)
        patch.setattr(hf_api.api, "endpoint", url)
        patch.setattr(_http, "_HUB_ORIGINS", _http._HUB_ORIGINS | {_http._url_origin(url)})
        for module in (_http, file_download):
            patch.setattr(module, "time", SimpleNamespace(sleep=_short_wait(hub)))
        patch.setattr(_cache_manager, "HF_HUB_CACHE", cache)
        patch.setattr(_cache_assets, "HF_ASSETS_CACHE", assets)
        patch.setattr(_git_credential, "ENDPOINT", url)
        patch.setattr(_detect_agent, "_registry", _detect_agent._EMPTY_REGISTRY)
        patch.setattr(transformers.utils.hub, "HF_MODULES_CACHE", modules)
        patch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", modules)
        _point_datasets(patch, datasets.config, url, home)
        forget_answers()
        try:
            yield patch
        finally:
            forget_answers()
            sys.path[:] = known_path
            for name in set(sys.modules) - known_modules:
                if name.split(".")[0] == "transformers_modules":
                    del sys.modules[name]


def forget_answers() -> None:
    """Close connections, and drop what the clients remember of a server and of a user."""
    from huggingface_hub import HfFileSystem, close_session
    from huggingface_hub.utils import _xet

    close_session()
    HfFileSystem.clear_instance_cache()
    _xet.XET_CONNECTION_INFO_CACHE.clear()


def _point_datasets(patch: pytest.MonkeyPatch, config: Any, url: str, home: Path) -> None:
    cache = home / "datasets"
    patch.setattr(config, "HF_ENDPOINT", url)
    patch.setattr(config, "HUB_DATASETS_URL", url + "/datasets/{repo_id}/resolve/{revision}/{path}")
    patch.setattr(config, "HF_CACHE_HOME", str(home))
    patch.setattr(config, "HF_DATASETS_CACHE", cache)
    patch.setattr(config, "HF_MODULES_CACHE", home / "modules")
    patch.setattr(config, "DOWNLOADED_DATASETS_PATH", cache / "downloads")
    patch.setattr(config, "EXTRACTED_DATASETS_PATH", cache / "downloads" / "extracted")
    for name in dir(config):
        if name.startswith("STREAMING_") and name.endswith("_INTERVAL"):
            patch.setattr(config, name, LONGEST_WAIT_SECONDS)


def _short_wait(hub: Hub) -> Any:
    def sleep(seconds: float) -> None:
        hub.waits.append(seconds)
        time.sleep(min(seconds, LONGEST_WAIT_SECONDS))

    return sleep
