"""A model folder with test scores and answers, as training leaves them, and the sounds of its test beside it."""

import json
from pathlib import Path

import numpy as np

from audiocls import AudioClassifier
from audiocls.evaluation.evaluation import evaluate_scores
from tests.small_models import LABELS, SOUNDS, write_small_model

CLIPS = 4  # of each class


def evaluated_model(root: Path, *, data: str = "mine", multi_label: bool = False) -> AudioClassifier:
    """A model in `root/runs/heard`, its answers to real sounds, which lie in `root/data/NAME`."""
    settings = {"problem_type": "multi_label_classification"} if multi_label else {}
    folder = write_small_model(root / "runs" / "heard", window_seconds=1.0, **settings)
    classifier = AudioClassifier.from_pretrained(folder)
    files, targets = [], []
    for number, label in enumerate(LABELS):
        for path in sorted((SOUNDS / label).glob("*.ogg"))[:CLIPS]:
            name = f"test/{label}/{path.name}"
            copy = root / "data" / data / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            files.append(name)
            targets.append(np.eye(len(LABELS))[number] if multi_label else number)
    scores = classifier.scores([root / "data" / data / name for name in files])
    made = evaluate_scores(files, np.array(targets), scores, LABELS, multi_label=multi_label)
    made.save(folder)
    clips = {"train": 70, "test": len(files)}
    training = {"settings": {"model": "cnn", "clip_seconds": 1.0}, "data": data, "clips": clips}
    (folder / "training_config.json").write_text(json.dumps(training))
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Sounds\n\nA card.\n")
    return AudioClassifier.from_pretrained(folder)


def largest_mistake(classifier: AudioClassifier) -> tuple[int, int]:
    """Row and column of the most frequent confusion."""
    counts = np.array(classifier.metrics["confusion_matrix"]["counts"])
    np.fill_diagonal(counts, 0)
    return tuple(int(each) for each in np.unravel_index(counts.argmax(), counts.shape))
