"""What a trial answered to every clip, packed into a text that a study's storage keeps."""

import base64
import zlib

import numpy as np

from audiocls.evaluation.metrics import predicted_classes

MOST_LETTERS = 60_000  # of packed answers; a text column of MySQL holds no more than 65,535


def packed(scores: np.ndarray, multi_label: bool) -> str | None:
    """The answers that scores (clips, labels) stand for, as text; None if that is too long to keep."""
    classes = predicted_classes(scores, multi_label)
    kept = np.packbits(classes.astype(bool)) if multi_label else classes.astype("<u2")
    text = base64.b64encode(zlib.compress(kept.tobytes(), 9)).decode("ascii")
    return text if len(text) <= MOST_LETTERS else None


def unpacked(text: str, num_clips: int, num_labels: int, multi_label: bool) -> np.ndarray:
    """Scores float32 (clips, labels) of 0 and 1 that stand for the same answers."""
    kept = zlib.decompress(base64.b64decode(text))
    if multi_label:
        bits = np.unpackbits(np.frombuffer(kept, np.uint8), count=num_clips * num_labels)
        return bits.reshape(num_clips, num_labels).astype(np.float32)
    return np.eye(num_labels, dtype=np.float32)[np.frombuffer(kept, "<u2")]
