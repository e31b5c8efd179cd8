"""Run in a process of its own by `test_loading_matrix.py`: load models by id, hear clips, leave the answers in a file.

    python listen.py JOB.json      # {"mode": ..., "models": [id], "files": [path], "arrays": [path], "answers": path}

Modes: "bare", "trust_remote_code", "import audiocls", all with `pipeline`; "AudioClassifier" and "audiocls predict".
It imports nothing but what the mode needs.
"""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def with_pipeline(model: str, files: list[str], arrays: list[np.ndarray], **options: Any) -> dict[str, list]:
    """The answers of `pipeline` to paths, arrays and a batch of arrays, all labels of each."""
    from transformers import pipeline

    classify = pipeline("audio-classification", model=model, **options)
    return {
        "path": [classify(path, top_k=None) for path in files],
        "array": [classify(array, top_k=None) for array in arrays],
        "batch": classify(arrays, top_k=None, batch_size=len(arrays)),
    }


def after_import(model: str, files: list[str], arrays: list[np.ndarray]) -> dict[str, list]:
    """The same after `import audiocls`, with which no code has to be trusted."""
    import audiocls

    assert audiocls.__version__
    return with_pipeline(model, files, arrays)


def with_classifier(model: str, files: list[str], arrays: list[np.ndarray]) -> dict[str, list]:
    """The answers of AudioClassifier to the same."""
    from audiocls import AudioClassifier

    classify = AudioClassifier.from_pretrained(model, device="cpu")
    return {
        "path": [classify(path) for path in files],
        "array": [classify(array, sampling_rate=classify.sampling_rate) for array in arrays],
        "batch": classify(files),
    }


def on_the_command_line(model: str, files: list[str], arrays: list[np.ndarray]) -> dict[str, list]:
    """The answers of `audiocls predict` to one file, and to all."""
    from audiocls.cli import main

    def predict(*paths: str) -> list:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main(["predict", model, *paths, "--format", "jsonl", "--top_k", "0"])
        assert code == 0, code
        return [json.loads(line)["predictions"] for line in out.getvalue().splitlines()]

    return {"path": predict(files[0]), "batch": predict(*files)}


MODES: dict[str, Callable[..., dict[str, list]]] = {
    "bare": with_pipeline,
    "trust_remote_code": lambda *arguments: with_pipeline(*arguments, trust_remote_code=True),
    "import audiocls": after_import,
    "AudioClassifier": with_classifier,
    "audiocls predict": on_the_command_line,
}


def main() -> None:
    """Do the job that is named; what cannot be loaded is answered with why."""
    job = json.loads(Path(sys.argv[1]).read_text())
    arrays = [np.load(path, allow_pickle=False) for path in job["arrays"]]
    answers: dict[str, Any] = {}
    for model in job["models"]:
        try:
            answers[model] = MODES[job["mode"]](model, job["files"], arrays)
        except ValueError as error:  # transformers' request to trust the code
            answers[model] = str(error)
    answers["modules"] = sorted({name.partition(".")[0] for name in sys.modules})
    Path(job["answers"]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
