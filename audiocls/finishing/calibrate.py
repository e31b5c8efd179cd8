"""Calibrating a finished model again, on other labelled clips: such as a hundred from the microphone it will hear.

Writes a new model folder; the old one stays as it is. What the model learnt is not touched, only what `finish` fits.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from audiocls.card.examples import EXAMPLES
from audiocls.card.model_card import EVAL_RESULTS
from audiocls.card.published import renamed
from audiocls.card.text import escape
from audiocls.data.dataset import AudioData
from audiocls.data.listing import shown, some
from audiocls.errors import DataError, OutputError, UsageError
from audiocls.finishing.detection import refit_detection
from audiocls.finishing.finish import calibrate, calibration_line
from audiocls.finishing.rejection import fit_rejection
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.loading import quiet_transformers
from audiocls.inference.rejection_file import save_rejection
from audiocls.model_folder import RunFolder, explained
from audiocls.scoring import clip_scores, labelled_clips
from audiocls.training.batches import soft_targets
from audiocls.training.run import HeldOut
from audiocls.whole_files import write_text

LEAST_CLIPS = 20  # with fewer the prior decides nearly all
COPIED = ("*.json", "*.csv", "*.png", "*.py", "*.md", "*.txt")  # the weights are written anew
COPIED_FOLDERS = (EXAMPLES, EVAL_RESULTS)
SEED = 42  # of what is drawn where clips are many
OUTDATED = ("calibration", "thresholds", "rejection")  # in metrics.json, once the model is calibrated anew


def calibrate_model(
    model: AudioClassifier | str | Path,
    data: str | Path,
    output_dir: str | Path,
    *,
    acceptance: float = 0.95,
    label_regex: str | None = None,
    group_regex: str | None = None,
    group_table: str | None = None,
    strict: bool = False,
    batch_size: int = 16,
    overwrite: bool = False,
    verbose: bool = False,
) -> dict[str, Any]:
    """Fit scores, thresholds and the sense of what is unknown on labelled clips, and write the model anew.

    Args:
        model: a classifier loaded from a folder or the Hub, a model folder or a Hub id. It may be calibrated already.
        data: clips that the model has not learnt: a folder, a zip or a Hub data set id without parts of its own.
        output_dir: the folder to write; must not exist unless `overwrite`.
        acceptance: share of the classes' own clips that must pass as known, above 0 and at most 1.
        label_regex, group_regex, group_table, strict: as the settings of these names.
        verbose: print what is left out and what was found.

    Returns:
        {"calibration", "thresholds", "rejection"} as `finish` gives them, and "detection" of a model that has it.

    Raises:
        UsageError: acceptance is out of range, or `output_dir` exists.
        DataError: nothing usable; a class that the model does not know; a class of the model without a clip; too few
            clips; or data with parts, of which the training part would be of no use.
        ModelError: the model cannot be loaded, or its last layer is not linear.
        OutputError: `output_dir` cannot be written.
    """
    if isinstance(acceptance, bool) or not isinstance(acceptance, int | float) or not 0 < acceptance <= 1:
        raise UsageError(f"acceptance is {acceptance}; it must lie above 0 and at most at 1")
    folder = RunFolder(Path(output_dir), overwrite=overwrite)
    classifier = model if isinstance(model, AudioClassifier) else AudioClassifier.from_pretrained(model)
    if classifier.folder is None:
        raise UsageError("the model was never saved; give its folder, so that a calibrated one can be written from it")
    if folder.final.resolve() == classifier.folder.resolve():
        raise UsageError(f"{folder.final} is the model itself; choose another --output_dir")
    audio = labelled_clips(
        classifier,
        str(data),
        verbose,
        label_regex=label_regex,
        group_regex=group_regex,
        group_table=group_table,
        strict=strict,
    )
    check_clips(audio, classifier)
    clips = audio.test
    held_out = HeldOut(
        clip_scores(classifier, clips, batch_size=batch_size), clips.targets, list(clips.groups), audio.name
    )
    record = calibrate(classifier.model, held_out, classifier.labels, classifier.multi_label)
    record["rejection"] = fit_rejection(classifier, audio, acceptance, SEED)
    if verbose:
        print(calibration_line(record["calibration"]))
    detection = refit_detection(classifier, audio, SEED, print if verbose else lambda line: None)
    if detection is not None:
        record["detection"] = detection
    folder.create()
    try:
        write_calibrated(classifier, folder.partial, folder.final.name, audio, record)
    except BaseException:
        folder.abandon()
        raise
    folder.complete()
    return record


def check_clips(audio: AudioData, classifier: AudioClassifier) -> None:
    """Whether clips suffice to calibrate on.

    Raises:
        DataError: they do not, or they are a part of data that also has others.
    """
    if audio.test_name != "all":
        raise DataError(
            f"{shown(audio.name)} is divided into parts; give the folder of the clips to calibrate on alone, and no "
            "clips that the model was trained or will be tested on"
        )
    counts = soft_targets(audio.test, len(audio.labels)).sum(0)
    missing = [label for label, number in zip(classifier.labels, counts, strict=True) if not number]
    if missing:
        raise DataError(
            f"{shown(audio.name)} has no clip of class {some(missing)}; to calibrate a model, clips of all its classes "
            "are needed"
        )
    if len(audio.test) < LEAST_CLIPS:
        raise DataError(
            f"{shown(audio.name)} has {len(audio.test)} usable clips; at least {LEAST_CLIPS} are needed to calibrate a "
            "model, and a hundred would be better"
        )


def write_calibrated(
    classifier: AudioClassifier, folder: Path, name: str, audio: AudioData, record: dict[str, Any]
) -> None:
    """Fill `folder` with the model as it is now and all that lay beside it, brought up to date.

    Args:
        name: of the folder in the end, which the card tells to load.

    Raises:
        OutputError: it cannot be written.
    """
    source = classifier.folder
    assert source is not None  # checked before anything was computed
    classifier.fetch(COPIED)
    with explained(folder):
        for pattern in COPIED:
            for file in source.glob(pattern):
                shutil.copyfile(file, folder / file.name)
        for kept in COPIED_FOLDERS:
            if (source / kept).is_dir():
                shutil.copytree(source / kept, folder / kept, dirs_exist_ok=True)
        with quiet_transformers():
            classifier.model.save_pretrained(folder)
        save_rejection(classifier.model, folder)
        training = _read_json(folder / "training_config.json")
        earlier = training.get("calibration")
        # With too few clips for it, the sense of what is unknown stays as it was.
        training |= {name: value for name, value in record.items() if name != "rejection" or value is not None}
        if earlier:
            training["calibrated_before"] = earlier
        write_text(folder / "training_config.json", json.dumps(training, indent=2, ensure_ascii=False) + "\n")
        metrics = _read_json(folder / "metrics.json")
        if metrics:
            still = {name: value for name, value in metrics.items() if name not in OUTDATED}
            write_text(folder / "metrics.json", json.dumps(still, indent=2, ensure_ascii=False) + "\n")
        card = folder / "README.md"
        if card.is_file():
            text = renamed(card.read_text(encoding="utf-8"), name)
            write_text(card, with_note(text, calibration_note(audio, record)))


def calibration_note(audio: AudioData, record: dict[str, Any]) -> str:
    """What the card of a model says that was calibrated again."""
    told = record["calibration"]
    return (
        f"> **Calibrated again** on {len(audio.test)} clips of {escape(audio.name)}, where the calibration error was "
        f"{told['held_out_ece_before']:.3f} before and {told['held_out_ece']:.3f} after (measured on the clips it was "
        f"fitted on; perfect scores would show {told['held_out_chance']:.3f}). What this card says of calibration, "
        "thresholds and unknown sounds was measured before."
    )


def with_note(card: str, note: str) -> str:
    """The card with a note below its first heading, instead of an earlier one."""
    lines = [line for line in card.split("\n") if not line.startswith("> **Calibrated again**")]
    heading = next((number for number, line in enumerate(lines) if line.startswith("# ")), -1)
    after = lines[heading + 1 :]
    while after and not after[0].strip():
        after = after[1:]
    return "\n".join([*lines[: heading + 1], "", note, "", *after]).rstrip("\n") + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is none.

    Raises:
        OutputError: the file is damaged, so that it cannot be brought up to date.
    """
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(
            f"{path.name} of the model is not valid JSON and cannot be brought up to date: {error}"
        ) from error
