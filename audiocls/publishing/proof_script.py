"""What runs in the fresh process of a proof: download a model by its id, load it with `pipeline`, predict.

Run as a script, never with audiocls at hand: it makes `import audiocls` impossible before anything else is imported.
It takes the path of a job (JSON) and leaves `answer.json` beside it; `audiocls.publishing.proof` writes the one, reads
the other and judges. The token, if any, comes in the environment.
"""

import hashlib
import importlib.abc
import json
import os
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

# What `pipeline` may need of a repository.
_FILES = ["*.json", "*.safetensors", "*.py"]


class _NoAudiocls(importlib.abc.MetaPathFinder):
    """Stands before all finders, those of editable installs included."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] == "audiocls":
            raise ModuleNotFoundError("audiocls is kept out of this process", name=fullname)
        return None


def forbid_audiocls() -> None:
    """Make every import of audiocls fail in this process."""
    sys.modules["audiocls"] = None  # type: ignore[assignment]
    sys.meta_path.insert(0, _NoAudiocls())


def present_audiocls() -> list[str]:
    """The modules of audiocls that were imported in spite of it."""
    names = [name for name in sys.modules if name.partition(".")[0] == "audiocls"]
    return [name for name in names if sys.modules[name] is not None]


class CodeDiffersError(Exception):
    """The repository holds other code than what was published."""


def check_code(folder: Path, expected: dict[str, str]) -> None:
    """Compare files that decide what code runs with their expected SHA-256, by name; "" is for one not to be there.

    Raises:
        CodeDiffersError: one differs, or is missing.
    """
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file() and digest:
            raise CodeDiffersError(f"{name} is missing in the repository")
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise CodeDiffersError(f"{name} in the repository is not the one that was published")


class Work:
    """The steps of a proof, by name, and what they found."""

    def __init__(self, job: dict[str, Any], answer: Path) -> None:
        self.job, self.answer = job, answer
        self.step = "start"
        self.found: dict[str, Any] = {}

    def run(self) -> None:
        """Do all steps and write what was found.

        Raises:
            Exception: whatever a step raises; `failed` writes it down.
        """
        job = self.job
        self._begin("start")
        if present_audiocls():
            raise ImportError("audiocls was imported before the proof began")
        sys.path += [each for each in job["packages"] if each not in sys.path]
        import huggingface_hub
        import numpy as np

        token = os.environ.get("HF_TOKEN") or False

        self._begin("download")
        commit = huggingface_hub.HfApi().model_info(job["repo_id"], revision=job["revision"], token=token).sha
        folder = huggingface_hub.snapshot_download(
            job["repo_id"], revision=commit, allow_patterns=_FILES, ignore_patterns=["*/*"], token=token
        )
        check_code(Path(folder), job["code"])

        self._begin("load")
        import torch
        import transformers

        self.found["versions"] = {each.__name__: each.__version__.partition("+")[0] for each in (transformers, torch)}
        transformers.utils.logging.disable_progress_bar()
        pipe: Any = transformers.pipeline(
            "audio-classification",
            model=job["repo_id"],
            revision=commit,
            trust_remote_code=job["trust_remote_code"],
            device="cpu",  # where the scores that they are compared with were computed
            token=token,
        )
        id2label = pipe.model.config.id2label
        self.found["labels"] = [str(id2label[index]) for index in range(len(id2label))]
        self.found["sampling_rate"] = pipe.feature_extractor.sampling_rate

        self._begin("predict")
        clips = [np.load(path, allow_pickle=False) for path in job["clips"]]
        self.found["answers"] = [pipe(clip, top_k=None) for clip in clips]

        self._begin("compare")
        if present_audiocls():
            raise ImportError(f"{present_audiocls()[0]} was imported although that was forbidden")
        self._write()

    def _begin(self, step: str) -> None:
        """Leave a note of the step, which is all that is known if the process is killed in it."""
        self.step = step
        self._write(finished=False)

    def failed(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """Take the place of `sys.excepthook`: write down which step failed and why, in place of a traceback."""
        causes: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in causes:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__
        self.found["errors"] = [[type(each).__name__, str(each)] for each in causes]
        self._write()

    def _write(self, finished: bool = True) -> None:
        text = json.dumps({"step": self.step, "finished": finished, **self.found})
        beside = self.answer.with_suffix(".partial")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, self.answer)


def end_with_parent() -> None:
    """End this process as soon as standard input closes, which happens when the one that started it is gone."""
    os.read(0, 1)  # not `sys.stdin`: Python could not end while a thread holds that
    os._exit(1)


def main() -> None:
    """Run the job whose path is the only argument."""
    path = Path(sys.argv[1])
    work = Work(json.loads(path.read_text(encoding="utf-8")), path.with_name("answer.json"))
    sys.excepthook = work.failed
    threading.Thread(target=end_with_parent, daemon=True).start()
    work.run()


if __name__ == "__main__":
    forbid_audiocls()
    main()
