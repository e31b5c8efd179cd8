"""What many tests need: the bundled sounds, small sounds made on the spot, a cache of their own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocls.config import TrainConfig


@pytest.fixture(scope="session")
def everyday_sounds() -> Path:
    """The sample set that comes with the package: 7 classes, train and test folders."""
    return Path(__file__).parents[1] / "data" / "everyday_sounds"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache; one session decodes the bundled sounds once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOCLS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _environment_is_put_back() -> Iterator[None]:
    """Where a test points the clients of the Hub to, no other test shall be pointed to."""
    names = ("HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE")
    before = [os.environ.get(name) for name in names]
    yield
    assert [os.environ.get(name) for name in names] == before


@pytest.fixture(scope="session")
def make_tone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a short tone in noise; its place decides the noise, so no two are copies, and all are as in other runs."""
    base = tmp_path_factory.getbasetemp()

    def make(path: Path, hz: float = 440.0, seconds: float = 0.3, rate: int = 16000) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        place = str(path.relative_to(base) if path.is_relative_to(base) else path)
        rng = np.random.default_rng(list(place.encode("utf-8", "surrogateescape")))
        time = np.arange(int(seconds * rate)) / rate
        tone = 0.3 * np.sin(2 * np.pi * hz * time) + 0.03 * rng.standard_normal(len(time))
        soundfile.write(path, tone.astype(np.float32), rate, "PCM_16")
        return path

    return make


@pytest.fixture
def make_folder(make_tone: Callable[..., Path]) -> Callable[..., Path]:
    """Write a folder of class folders: `make_folder(root, low=4, high=4)` gives four tones a class."""

    def make(root: Path, **clips: int) -> Path:
        for number, (label, count) in enumerate(clips.items()):
            for clip in range(count):
                make_tone(root / label / f"{label}_{clip}.wav", hz=300.0 * (number + 1) + 7 * clip)
        return root

    return make


@pytest.fixture
def config() -> TrainConfig:
    """Default settings, decoding in one thread."""
    return TrainConfig(num_workers=1)
