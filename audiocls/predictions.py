"""Labelling many files: finding them, and writing the answers as a table, JSON or CSV while they come in."""

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from audiocls.audio.decoding import decode
from audiocls.audio.denoising import denoise as reduce_noise
from audiocls.data.listing import shown
from audiocls.data.tree import audio_files
from audiocls.errors import AudioReadError, DataError, UsageError
from audiocls.inference.answers import NONE_OF_THESE, Answer
from audiocls.inference.classifier import AudioClassifier
from audiocls.text_layout import pad, shorten

FILE_WIDTH = 48


def find_audio(inputs: Iterable[str]) -> list[Path]:
    """The given files, and the audio files in given folders (searched throughout, hidden ones left out), in order.

    Raises:
        DataError: a name is missing, or a folder holds no audio.
    """
    found: list[Path] = []
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            inside = list(audio_files(path))
            if not inside:
                raise DataError(f"{shown(name)}: the folder holds no audio files")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{shown(name)}: there is no such file or folder")
    return found


def predict_files(
    classifier: AudioClassifier,
    inputs: Iterable[str],
    top_k: int,
    form: str,
    batch_size: int,
    out: IO[str] | None = None,
    threshold: float | None = None,
    rejection: bool = True,
    denoise: str = "model",
) -> None:
    """Label files and print the answers in the given form; unreadable ones are named in their place.

    Args:
        top_k: labels shown for each file; 0 for all.
        form: "table", "json" (one list), "jsonl" (a line a file) or "csv" (a row a file, a column a label).
        threshold, rejection: as of `AudioClassifier.answers`.
        denoise: "stationary" or "nonstationary" to reduce noise beforehand; "model" leaves it to the model.

    Raises:
        DataError: a file is missing (before anything is printed), or some could not be read (after all the others).
    """
    if top_k < 0:
        raise UsageError(f"--top_k is {top_k}; it must be 0 (all) or more")
    files = find_audio(inputs)
    clips = files if denoise == "model" else _denoised(files, classifier.sampling_rate, denoise)
    stream = classifier.stream_answers(
        clips, batch_size=batch_size, on_error="return", threshold=threshold, rejection=rejection
    )
    answers = zip(files, stream, strict=True)
    failed = WRITERS[form](classifier.labels, answers, top_k or len(classifier.labels), out or sys.stdout)
    if failed:
        raise DataError(f"{failed} of {len(files)} files could not be read")


def _denoised(files: Iterable[Path], sampling_rate: int, method: str) -> Iterator[dict[str, Any] | AudioReadError]:
    for file in files:
        try:
            yield {
                "array": reduce_noise(decode(file, sampling_rate), sampling_rate, method),
                "sampling_rate": sampling_rate,
            }
        except AudioReadError as error:
            yield error


Answers = Iterator[tuple[Path, Answer | AudioReadError]]


def best(labels: list[str], scores: np.ndarray, top_k: int) -> list[dict[str, Any]]:
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [{"label": labels[i], "score": round(float(scores[i]), 6)} for i in order]


def record(labels: list[str], file: Path, answer: Answer | AudioReadError, top_k: int) -> dict[str, Any]:
    if isinstance(answer, AudioReadError):
        return {"file": str(file), "error": answer.reason}
    told: dict[str, Any] = {"file": str(file), "answer": answer.label}
    if answer.label is None:
        told |= {"closest": answer.closest, "reason": answer.reason or "below the thresholds"}
    if answer.known_score is not None:
        told["known_score"] = round(answer.known_score, 4)
    return told | {"predictions": best(labels, answer.scores, top_k)}


def write_table(labels: list[str], answers: Answers, top_k: int, out: IO[str]) -> int:
    failed = 0
    for file, answer in answers:
        name = pad(shorten(shown(str(file)), FILE_WIDTH), FILE_WIDTH)
        if isinstance(answer, AudioReadError):
            failed += 1
            told = f"not read: {answer.reason}"
        elif answer.label is None:
            told = shown(str(answer))
        else:
            rows = best(labels, answer.scores, top_k)
            told = "  ".join(f"{shown(row['label'])} {row['score']:.3f}" for row in rows)
        print(f"{name}  {told}", file=out)
    return failed


def write_json(labels: list[str], answers: Answers, top_k: int, out: IO[str]) -> int:
    records = [record(labels, file, answer, top_k) for file, answer in answers]
    print(json.dumps(records, indent=2, ensure_ascii=False), file=out)
    return sum("error" in each for each in records)


def write_jsonl(labels: list[str], answers: Answers, top_k: int, out: IO[str]) -> int:
    failed = 0
    for file, answer in answers:
        failed += isinstance(answer, AudioReadError)
        print(json.dumps(record(labels, file, answer, top_k), ensure_ascii=False), file=out, flush=True)
    return failed


def write_csv(labels: list[str], answers: Answers, top_k: int, out: IO[str]) -> int:
    failed = 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["file", "label", "score", "closest", "known_score", *(f"score:{name}" for name in labels), "error"]
    )
    for file, answer in answers:
        if isinstance(answer, AudioReadError):
            failed += 1
            writer.writerow([file, "", "", "", "", *itertools.repeat("", len(labels)), answer.reason])
        else:
            scores = [f"{score:.6f}" for score in answer.scores]
            label = NONE_OF_THESE if answer.label is None else "|".join(answer.labels)
            score = f"{answer.label_scores[0] if answer.labels else answer.closest_score:.6f}"
            known = "" if answer.known_score is None else f"{answer.known_score:.4f}"
            writer.writerow([file, label, score, answer.closest, known, *scores, ""])
    return failed


WRITERS = {"table": write_table, "json": write_json, "jsonl": write_jsonl, "csv": write_csv}
