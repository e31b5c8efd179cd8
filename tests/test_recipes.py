"""Every recipe that ships trains, on a small folder of the layout it is for, into a complete model folder."""

import csv
import json
import re
from pathlib import Path

import pytest

import audiocls
from audiocls.arguments import load_recipe
from audiocls.assessment import evaluate
from audiocls.config import TrainConfig
from audiocls.experiment import train
from audiocls.kind_names import NETWORK_KINDS

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
EMOTIONS = ["angry", "disgust", "fear", "happy", "neutral", "pleasant_surprise", "sad"]
# As the published set spells them.
TESS_FOLDERS = [
    *("OAF_angry", "OAF_disgust", "OAF_Fear", "OAF_happy", "OAF_neutral", "OAF_Pleasant_surprise", "OAF_Sad"),
    *("YAF_angry", "YAF_disgust", "YAF_fear", "YAF_happy", "YAF_neutral", "YAF_pleasant_surprised", "YAF_sad"),
]
BIRDS, GENRES, WORDS = ["robin", "wren"], ["blues", "jazz", "rock"], ["no", "yes"]
# The class folders each recipe is for, and the labels the model must have in the end.
LAYOUTS = {
    "birds": (BIRDS, BIRDS),
    "capuchin_binary": (
        ["Parsed_Capuchinbird_Clips", "Parsed_Not_Capuchinbird_Clips"],
        ["Capuchinbird", "Not_Capuchinbird"],
    ),
    "crnn_speech": (WORDS, WORDS),
    "forest_features": (BIRDS, BIRDS),
    "gtzan_melspectrogram_cnn": (GENRES, GENRES),
    "mfcc_chroma_contrast_cnn": (GENRES, GENRES),
    "tess_by_speaker": (TESS_FOLDERS, EMOTIONS),
    "tess_mfcc_conv1d": (TESS_FOLDERS, EMOTIONS),
}


@pytest.fixture(scope="module", params=RECIPES, ids=lambda path: path.stem)
def recipe(request):
    return request.param


@pytest.fixture(scope="module")
def trained(recipe, make_tone, tmp_path_factory):
    """The recipe's model folder, from a few tones a class."""
    root = tmp_path_factory.mktemp(recipe.stem)
    folders, _ = LAYOUTS[recipe.stem]
    for number, name in enumerate(folders):
        for clip in range(12 // len(folders) + 3):
            make_tone(root / "data" / name / f"{name.replace('_Clips', '')}_{clip}.wav", hz=200.0 + 90 * number + clip)
    config = TrainConfig.from_dict(load_recipe(recipe))
    quick: dict[str, int] = {"num_workers": 1} | ({"num_epochs": 1} if config.kind in NETWORK_KINDS else {})
    train(root / "data", root / "model", config.replaced(**quick))
    return root / "model"


def test_a_recipe_says_what_it_is_for(recipe):
    assert recipe.read_text(encoding="utf-8").startswith("# ")


def test_a_recipe_trains_a_model_of_its_kind_that_knows_the_labels(recipe, trained, make_tone, tmp_path):
    classifier = audiocls.AudioClassifier.from_pretrained(trained)
    assert sorted(classifier.labels) == LAYOUTS[recipe.stem][1]
    settings = json.loads((trained / "training_config.json").read_text())["settings"]
    given = load_recipe(recipe)
    assert {name: settings[name] for name in given if name != "image_size"} == {
        name: value for name, value in given.items() if name != "image_size"
    }
    assert classifier.sampling_rate == settings["sampling_rate"]
    top = classifier(make_tone(tmp_path / "new.wav", hz=230.0))[0]
    assert top["label"] in classifier.labels
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["split"] == "test"
    for label in classifier.labels:
        assert {"precision", "recall", "f1"} <= set(metrics["per_class"][label])
    again = evaluate(classifier, trained.parent / "data", label_regex=given.get("label_regex"))
    assert again["size"] == len(list((trained.parent / "data").rglob("*.wav")))


def test_a_group_is_heard_in_training_or_in_the_test(recipe, trained):
    given = load_recipe(recipe)
    with open(trained / "predictions.csv", newline="", encoding="utf-8") as file:
        tested = [row["file"] for row in csv.DictReader(file)]
    assert tested
    if "group_regex" in given:
        everything = [path.relative_to(trained.parent / "data").as_posix() for path in trained.parent.rglob("*.wav")]
        groups = {re.search(given["group_regex"], name)[1] for name in tested}
        assert len(groups) == 1
        assert sorted(tested) == sorted(n for n in everything if re.search(given["group_regex"], n)[1] in groups)


def test_each_recipe_has_a_layout():
    assert sorted(LAYOUTS) == [path.stem for path in RECIPES]
