"""The proof that a published model loads: a fresh process gets it from the Hub by its id and must give its scores.

That process has an empty cache and cannot import audiocls, as a stranger's would; `proof_script.py` is what runs in it.
Here are its surroundings, its time limit, and the judgement. Nothing of what was downloaded stays.
"""

import copy
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.model_config import INPUT_FILES
from audiocls.inference.windows import denoised
from audiocls.publishing import proof_script
from audiocls.publishing.probes import probe_clips
from audiocls.publishing.proof_failures import Failure, reason_of, without

TOLERANCE = 1e-4  # what two machines may differ by in a score
# These decide what code `pipeline` runs, beside the code itself.
_CONFIGURATIONS = ("config.json", *INPUT_FILES)
# Variables that would lead the new process to caches, logins and code of this user.
_OWN_VARIABLES = ("HF_", "HUGGING", "TRANSFORMERS_", "PYTORCH_", "PYTHON", "AUDIOCLS_", "XDG_")


@dataclass(frozen=True)
class Proof:
    """What came of a proof.

    ok: whether the published model loads and says what the trained one says.
    clips: how many sounds it was tried on. largest_difference: of any score, None when nothing was compared.
    seconds: it took. versions: of the packages that loaded it, by name.
    problem: one line that says which step failed (start, download, load, predict, compare) and why; None if ok.
    line: one sentence for the model card, in Markdown; empty unless ok.
    """

    ok: bool
    clips: int
    largest_difference: float | None
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    line: str = ""


def prove(
    classifier: AudioClassifier,
    repo_id: str,
    revision: str | None,
    *,
    token: str | None = None,
    trust_remote_code: bool = False,
    say: Callable[[str], None] | None = None,
    timeout_seconds: float = 600,
) -> Proof:
    """Load a published model as a stranger would, and compare its scores of the bundled sounds with those here.

    Args:
        classifier: the model that was published.
        repo_id: where, such as "me/my-sounds".
        revision: branch or, better, the commit to load; None for the main branch.
        token: for a private repository; None for the login of this process, if there is one.
        trust_remote_code: whether the repository's code has to run, as that of audiocls' own models must. It does only
            if it is, byte for byte, the code of `classifier`.
        say: takes a line for the person who waits.
        timeout_seconds: after which the process is ended.

    Returns:
        A `Proof`; every failure but a KeyboardInterrupt is told in it, never raised.
    """
    from huggingface_hub import constants, get_token

    began = time.monotonic()
    token = token or get_token()
    if say is not None:
        say(f"Loading {repo_id} from the Hub in a fresh process, without audiocls")
    versions: dict[str, str] = {}
    clips = 0
    with tempfile.TemporaryDirectory(prefix="audiocls_proof_", ignore_cleanup_errors=True) as folder:
        try:
            waveforms = probe_clips(classifier.sampling_rate, classifier.window_length / classifier.sampling_rate)
            clips = len(waveforms)
            job = {
                "repo_id": repo_id,
                "revision": revision,
                "trust_remote_code": trust_remote_code,
                "code": _code(classifier) if trust_remote_code else {},
                "clips": _write_clips(classifier, waveforms, Path(folder)),
                "packages": _package_folders(),
            }
            environment = _environment(Path(folder), token, constants.ENDPOINT, constants.HF_HUB_DISABLE_XET)
            answer = _run(job, Path(folder), environment, timeout_seconds)
            versions = answer.get("versions", {})
            if "errors" in answer:
                raise Failure(answer["step"], reason_of(answer["errors"], repo_id, revision))
            difference = _compare(classifier, waveforms, answer)
        except (Failure, OSError) as error:
            problem = str(error if isinstance(error, Failure) else Failure("start", error.strerror or "no file"))
            secrets = {token: "(token)", folder: "(cache)", sys.prefix: "(python)", str(Path.home()): "~"}
            return Proof(False, clips, None, time.monotonic() - began, versions, without(problem, secrets))
    line = _line(clips, difference, versions, reduced=classifier.listener.denoiser is not None)
    return Proof(True, clips, difference, time.monotonic() - began, versions, None, line)


def _code(classifier: AudioClassifier) -> dict[str, str]:
    """SHA-256, by name, of the files that decide what code a model's loading runs; "" for one that must not be."""
    from transformers.dynamic_module_utils import get_relative_import_files

    folder = classifier.folder
    files = {path.name: path for path in sorted(folder.glob("*.py"))} if folder is not None else {}
    if folder is not None:
        files |= {name: folder / name for name in _CONFIGURATIONS}
    if folder is None or not any(folder.glob("*.py")):  # then it was built by the installed classes
        for part in (classifier.model, classifier.model.config):
            module = str(sys.modules[type(part).__module__].__file__)
            files |= {Path(each).name: Path(each) for each in (module, *get_relative_import_files(module))}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for name, path in files.items()
    }


def _write_clips(classifier: AudioClassifier, waveforms: Sequence[np.ndarray], folder: Path) -> list[str]:
    """Write the clips as `pipeline` is to get them, and return their paths.

    `pipeline` cannot reduce noise before a model of transformers; that is done for it.
    """
    paths = []
    for number, waveform in enumerate(denoised(classifier.listener.denoiser, list(waveforms))):
        paths.append(str(folder / f"clip_{number}.npy"))
        np.save(paths[-1], waveform.astype(np.float32), allow_pickle=False)
    return paths


def _package_folders() -> list[str]:
    """Where transformers and torch lie: not always where an isolated Python looks (`pip install --user`)."""
    specs = [find_spec(name) for name in ("transformers", "torch", "torchaudio", "numpy", "huggingface_hub")]
    return list(dict.fromkeys(str(Path(spec.origin).parents[1]) for spec in specs if spec and spec.origin))


def _environment(folder: Path, token: str | None, endpoint: str, disable_xet: bool) -> dict[str, str]:
    """The variables of the new process: those of this one but for the user's own, and empty caches."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OWN_VARIABLES)}
    home = folder / "home"
    home.mkdir()
    caches = {
        "HOME": home,
        "XDG_CACHE_HOME": home / "cache",
        "HF_HOME": home / "huggingface",
        "HF_MODULES_CACHE": home / "modules",
    }
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1" if disable_xet else "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return kept | {name: str(path) for name, path in caches.items()} | settings | ({"HF_TOKEN": token} if token else {})


def _run(job: dict[str, Any], folder: Path, environment: dict[str, str], timeout_seconds: float) -> dict[str, Any]:
    """Run the script in a process of its own and return what it left.

    Raises:
        Failure: it did not end in time, or ended without a word.
    """
    path = folder / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    with open(folder / "errors.txt", "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-I", str(Path(proof_script.__file__).resolve()), str(path)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the process that this one is gone
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C in a terminal is for this process to pass on
        )
        try:
            code: int | None = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
    try:
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        answer = {"step": "start", "finished": False}
    if answer["finished"]:
        return answer
    if code is None:
        raise Failure(answer["step"], f"it was not done after {timeout_seconds:g} seconds")
    last = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    ended = f"signal {-code} (out of memory?)" if code < 0 else f"exit code {code}"
    raise Failure(answer["step"], f"the process ended with {ended}" + (f": {last}" if last else ""))


def _compare(classifier: AudioClassifier, waveforms: Sequence[np.ndarray], answer: dict[str, Any]) -> float:
    """The largest difference between the published model's scores and the classifier's.

    Raises:
        Failure: it is too large, or labels or sampling rates are not the same.
    """
    for what, theirs, ours in (
        ("label", answer["labels"], classifier.labels),
        ("sampling rate", [answer["sampling_rate"]], [classifier.sampling_rate]),
    ):
        if theirs != ours:
            one, other = next(pair for pair in zip_longest(theirs, ours, fillvalue="none") if pair[0] != pair[1])
            raise Failure("compare", f"the published model has {what} {one} where the trained one has {other}")
    expected = _on_cpu(classifier).scores(list(waveforms), sampling_rate=classifier.sampling_rate)
    given = np.full_like(expected, np.nan)
    for row, ranking in zip(given, answer["answers"], strict=True):
        for each in ranking:
            row[classifier.labels.index(each["label"])] = each["score"]
    differences = np.abs(given - expected)
    if not np.isfinite(differences).all():
        raise Failure("compare", "the published model gave no number for some label")
    if differences.max() > TOLERANCE:
        clip, label = np.unravel_index(int(differences.argmax()), differences.shape)
        raise Failure(
            "compare",
            f"the published model scores {classifier.labels[label]} {given[clip, label]:.4f} "
            f"where the trained one scores it {expected[clip, label]:.4f}",
        )
    return float(differences.max())


def _on_cpu(classifier: AudioClassifier) -> AudioClassifier:
    """The same model where the fresh process computes: accelerators round differently."""
    if classifier.model.device.type == "cpu":
        return classifier
    return AudioClassifier.of(copy.deepcopy(classifier.model).to("cpu"), classifier.extractor)


def _line(clips: int, difference: float, versions: dict[str, str], *, reduced: bool) -> str:
    """The sentence for the card; the difference as a power of ten, so that the same model gives the same sentence."""
    bound = 10.0 ** max(-6, math.ceil(math.log10(max(difference, 1e-12)))) if difference < TOLERANCE else TOLERANCE
    after = ", after the noise reduction that `pipeline` itself does not do" if reduced else ""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        "Loads with `pipeline`: in a fresh process without audiocls the published files gave the scores of the trained "
        f"model on {clips} clips{after}, largest difference below {bound:.0e} ({packages})."
    )
