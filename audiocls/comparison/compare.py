"""Comparing kinds of model on identical folds: `audiocls compare`.

Each finished kind is kept in the output folder with its answers to every clip, so that a second call goes on where the
first ended and another kind can be added later.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from accelerate import Accelerator

import audiocls
from audiocls.comparison.cross_validation import CrossValidated, cross_validate
from audiocls.comparison.folds import learning_clips, make_folds
from audiocls.comparison.leaderboard import (
    HEADLINE,
    LEADERBOARD_CSV,
    Row,
    leaderboard_text,
    ranked,
    seconds_text,
    write_leaderboard,
)
from audiocls.comparison.material import Material
from audiocls.comparison.resampling import Bootstrap
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.errors import AudioclsError, DataError, OutputError, UsageError
from audiocls.kinds import prepared
from audiocls.scoring import report_data
from audiocls.training.run import Run
from audiocls.whole_files import write_text

KEPT = "cross_validation"  # folder within the output folder


def compare(
    data: str | Path,
    models: Sequence[str],
    config: TrainConfig | None = None,
    folds: int = 5,
    output_dir: str | Path | None = None,
    verbose: bool = False,
) -> list[Row]:
    """Cross-validate several kinds of model on the same folds of the training part.

    Args:
        data: a folder, a zip or a Hub data set id.
        models: kinds, such as "cnn" or "probe:whisper-tiny.en".
        config: settings of all of them but `model`; what is left to be chosen is chosen by kind.
        folds: how many.
        output_dir: where to keep what is finished and write leaderboard.csv and leaderboard.png; may hold those of an
            earlier call, whose finished kinds are not trained again.
        verbose: print what is going on and the table.

    Returns:
        A row a kind, best balanced accuracy first; one that failed has a `note` and no scores.

    Raises:
        UsageError: an unknown kind, one named twice, none, or a number of folds that the data does not have.
        DataError: the data cannot be used, a class lies in one group, or every kind failed.
        OutputError: the output folder cannot be written.
    """
    config = config or TrainConfig()
    candidates = checked_models(models, config)
    say: Callable[[str], None] = print if verbose else lambda line: None
    material = Material(str(data), config)
    audio = material.audio
    report_data(audio, say)
    division = make_folds(audio, folds, config.seed)
    clips = learning_clips(audio)
    say(f"{len(clips)} clips to learn from in {folds} folds" + ("; the test part is left alone" if audio.test else ""))
    bootstrap = Bootstrap(clips.targets, division, clips.groups, len(audio.labels))
    folder = None if output_dir is None else Path(output_dir)
    if folder is not None:
        _check_folder(folder)
    run = Run(Accelerator(mixed_precision=config.mixed_precision))
    title = f"{audio.name}: {len(audio.labels)} classes, {len(clips)} clips, {folds} folds"
    found: dict[str, CrossValidated | str] = {}
    try:
        for name, candidate in candidates.items():
            found[name] = _find(name, candidate, material, division, bootstrap, run, folder, say)
            if folder is not None:
                write_leaderboard(ranked(found, bootstrap), folder, title)
    finally:  # also after Ctrl-C
        rows = ranked(found, bootstrap)
        if len(rows) > 1 or any(row.scores for row in rows):
            say("\n" + leaderboard_text(rows))
    if not any(row.scores for row in rows):
        raise DataError(f"no kind of model could be trained; {rows[0].model}: {rows[0].note}")
    if folder is not None:
        say(f"\n{folder / LEADERBOARD_CSV}, and a picture beside it")
    return rows


def checked_models(models: Sequence[str], config: TrainConfig) -> dict[str, TrainConfig]:
    """The settings of each kind, by its name.

    Raises:
        UsageError: an unknown kind, one named twice, "auto", or none.
    """
    if not models:
        raise UsageError("models is empty; name the kinds to compare, such as cnn,forest")
    candidates: dict[str, TrainConfig] = {}
    for name in models:
        if name in candidates:
            raise UsageError(f"models names {name} twice")
        candidates[name] = config.replaced(model=name)
        if candidates[name].kind == "auto":
            raise UsageError("models holds auto, which chooses among kinds; name the kinds to compare")
    return candidates


def _find(
    name: str,
    config: TrainConfig,
    material: Material,
    division: np.ndarray,
    bootstrap: Bootstrap,
    run: Run,
    folder: Path | None,
    say: Callable[[str], None],
) -> CrossValidated | str:
    """The cross-validation of one kind, kept or new; or why there is none."""
    try:
        config = prepared(config)
        audio = material.at(config.sampling_rate)
        kept = None if folder is None else _kept_path(folder, config, audio, division)
        result = None if kept is None else read_result(kept)
        earlier = result is not None
        if result is None:
            result = cross_validate(config, audio, division, run)
            if kept is not None:
                write_result(kept, result, config)
    except OutputError:
        raise
    except (AudioclsError, RuntimeError, MemoryError) as error:
        # A kind that cannot be trained must not cost the others their result.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        say(f"{name}: failed: {reason}")
        return f"failed: {reason}"
    told = "kept from an earlier call" if earlier else f"training took up to {seconds_text(max(result.seconds))} a fold"
    say(f"{name}: balanced accuracy {bootstrap.told(result.scores, HEADLINE)}; {told}")
    return result


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --output_dir")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / KEPT).is_dir():
        raise OutputError(f"{folder} exists and holds no comparison; choose another --output_dir")


def _kept_path(folder: Path, config: TrainConfig, audio: AudioData, division: np.ndarray) -> Path:
    """The file of one result: named by everything that decides it."""
    clips, extra = learning_clips(audio), audio.extra
    decides = {
        "version": audiocls.__version__,
        "settings": {name: value for name, value in config.to_dict().items() if name not in ("num_workers", "strict")},
        "clips": [clips.contents, clips.targets.tolist(), clips.groups],
        "folds": division.tolist(),
        **({"extra": [extra.contents, extra.targets.tolist()]} if extra is not None and len(extra) else {}),
    }
    key = xxhash.xxh3_64_hexdigest(json.dumps(decides, sort_keys=True).encode("utf-8", "surrogateescape"))
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in config.model)[-60:]
    return folder / KEPT / f"{stem}-{key}.json"


def write_result(path: Path, result: CrossValidated, config: TrainConfig) -> None:
    """Keep a cross-validation as JSON.

    Raises:
        OutputError: it cannot be written.
    """
    record = dataclasses.asdict(result) | {"scores": result.scores.astype(np.float64).round(7).tolist()}
    write_text(path, json.dumps({"settings": config.to_dict(), **record}, ensure_ascii=False) + "\n")


def read_result(path: Path) -> CrossValidated | None:
    """What `write_result` kept, or None when it is not there or damaged."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        values = {each.name: record[each.name] for each in dataclasses.fields(CrossValidated)}
        return CrossValidated(**values | {"scores": np.array(values["scores"], np.float32)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
