"""What a Space is made of, and that it hears as the classifier does, for every kind of model."""

import ast
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from accelerate import Accelerator
from huggingface_hub import SpaceCard

import audiocls
from audiocls.audio.decoding import decode
from audiocls.config import TrainConfig
from audiocls.data.dataset import load_audio_data
from audiocls.errors import ModelError
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.rejection_file import attach_rejection, save_rejection
from audiocls.kinds import fit_kind
from audiocls.models.denoising import denoise_settings
from audiocls.publishing.space import TABS, is_ours, modules_named, space_files, top_level
from audiocls.training.factory import feature_extractor
from audiocls.training.run import Run
from tests.audio.test_decoding import written_av
from tests.inference.test_answers import write_wav2vec2
from tests.models.test_ensemble import small_whisper
from tests.models.test_rejection import taught
from tests.publishing.spaces import environment_of, refused, site_packages, written
from tests.small_models import SOUNDS, small_model, write_model

KINDS = ("cnn", "several", "forest", "ensemble", "probe", "finetune")
PACKAGE = Path(audiocls.__file__).parent
CARD = "---\nlicense: cc-by-4.0\n---\n# Sounds of every day\n"

# Every Space's app imported and asked, in one process, since torch takes long to import.
ASK = """
import importlib.util, json, sys
stub, spaces, sounds = sys.argv[1], sys.argv[2].split(":"), sys.argv[3].split(":")
sys.path[:0] = [spaces[0], stub]
found = {}
for space in spaces:
    spec = importlib.util.spec_from_file_location("app", space + "/app.py")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    from audiocls.ui import hearing, sounds as reading
    from audiocls.ui.classify.examples import example_sounds
    rows, rate = {}, app.classifier.sampling_rate
    for sound in sounds:
        waveform = reading.read_sound(sound, rate)
        answer = hearing.hear(app.classifier, waveform)
        rows[sound] = {
            "classify": app.classifier((rate, waveform)), "answer": str(answer), "verdict": reading.verdict(answer),
            "events": [str(event) for event in app.classifier.detect(sound).events],
        }
    page = [getattr(block, "value", None) for block in app.demo.blocks.values()]
    examples = {name: str(path) for name, path in example_sounds(app.classifier).items()}
    told = {"page": [text for text in page if isinstance(text, str)], "note": app.note(), "example_sounds": examples}
    found[space] = told | {"rows": rows}
import audiocls
found["package"] = audiocls.__file__
found["gpu"] = sys.modules["spaces"].asked
print("ANSWERS " + json.dumps(found))
"""
# What the package `spaces` is to the app on ZeroGPU.
SPACES = """
import sys

if "torch" in sys.modules:
    raise ImportError("spaces comes too late")
asked = []

def GPU(duration):
    def decorate(function):
        def decorated(*given, **named):
            asked.append(function.__name__)
            return function(*given, **named)
        return decorated
    return decorate
"""


def write_kind(kind, folder, make_tone):
    """A small model folder of a kind."""
    if kind in ("cnn", "several"):
        settings = {"problem_type": "multi_label_classification"} if kind == "several" else {}
        model = small_model(window_seconds=1.0, **settings)
        attach_rejection(model, *taught(len(model.config.id2label), model.network.classifier.in_features))
        return write_model(model, folder)
    if kind == "forest":
        tones = folder.parent / "tones"
        for label, hz in (("low", 300.0), ("high", 2500.0)):
            for clip in range(6):
                make_tone(tones / label / f"{label}_{clip}.wav", hz=hz * 1.04**clip)
        config = TrainConfig(model="forest", num_workers=1)
        fitted = fit_kind(config, load_audio_data(str(tones), config), Run(Accelerator(cpu=True)))
        return write_model(fitted.model, folder)
    if kind == "probe":
        return write_wav2vec2(folder)
    whisper = small_whisper()
    if kind == "ensemble":
        from audiocls.comparison.ensemble import ensemble

        own = AudioClassifier.of(small_model(whisper.labels), None)
        ensemble([own, whisper], [1, 2]).save_pretrained(folder)
        feature_extractor(16000).save_pretrained(folder)
        return folder
    whisper.model.config.denoise = denoise_settings("stationary", 16000)
    whisper.model.save_pretrained(folder)
    save_rejection(whisper.model, folder)
    whisper.extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(make_tone, tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {kind: write_kind(kind, root / kind, make_tone) for kind in KINDS}
    (made["cnn"] / "README.md").write_text(CARD)
    (made["cnn"] / "metrics.json").write_text(
        json.dumps({"split": "test", "size": 70, "accuracy": 0.9, "intervals": {"accuracy": [0.81, 0.95]}})
    )
    (made["cnn"] / "predictions.csv").write_text("file,label\n")
    examples = made["cnn"] / "examples"
    examples.mkdir()
    soundfile.write(examples / "water.flac", decode(SOUNDS / "water" / "water_00.ogg", 16000), 16000)
    with soundfile.SoundFile(examples / "drum-set.flac", "w", 16000, 1) as file:
        file.title = "drum & set"
        file.write(decode(SOUNDS / "drum" / "drum_00.ogg", 16000))
    (examples / "ATTRIBUTION.csv").write_text("file,author\n")
    return made


@pytest.fixture(scope="module")
def files(folders):
    return space_files(folders["cnn"], "me/my-sounds")


def text_of(files, name):
    content = files[name]
    return (content if isinstance(content, bytes) else content.read_bytes()).decode()


def test_the_front_matter_configures_the_space(files):
    data = SpaceCard(text_of(files, "README.md")).data
    assert (data.sdk, data.app_file, data.models, data.license) == ("gradio", "app.py", ["me/my-sounds"], "cc-by-4.0")
    wanted = re.search(r"^gradio(?:\[.+\])?==(.+)$", (PACKAGE.parent / "requirements.txt").read_text(), re.MULTILINE)
    assert data.sdk_version == wanted.group(1)
    assert isinstance(data.python_version, str)
    assert re.fullmatch(r"3\.\d+", data.python_version)
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {data.to_dict()["colorFrom"], data.to_dict()["colorTo"]} <= colours
    assert len(data.to_dict()["emoji"]) == 1
    assert 10 < len(data.to_dict()["short_description"]) <= 60
    assert data.title == "my-sounds"
    assert "audio-classification" in data.tags
    assert "https://huggingface.co/me/my-sounds" in text_of(files, "README.md")
    assert "(model/examples/ATTRIBUTION.csv)" in text_of(files, "README.md")


def test_a_licence_given_counts_and_none_known_is_left_out(folders):
    given = space_files(folders["cnn"], "me/my-sounds", license="mit")
    assert SpaceCard(text_of(given, "README.md")).data.license == "mit"
    assert "license" not in text_of(space_files(folders["forest"], "me/my-sounds"), "README.md")


def test_requirements_are_few_and_pinned_to_what_is_installed_here(files, folders):
    pinned = (PACKAGE.parent / "requirements.txt").read_text().splitlines()
    lines = [line for line in text_of(files, "requirements.txt").splitlines() if not line.startswith("#")]
    assert len(lines) <= 11
    assert set(lines) <= set(pinned)
    assert not [line for line in lines if line.startswith("gradio")]  # the Hub installs sdk_version


def test_it_holds_the_model_its_examples_and_no_papers(files, folders):
    names = set(files)
    assert {"app.py", "model/config.json", "model/model.safetensors", "model/examples/water.flac"} <= names
    assert "model/metrics.json" in names
    papers = [name for name in names if name.startswith("model/") and name.endswith((".csv", ".png", ".py", ".md"))]
    assert papers == ["model/examples/ATTRIBUTION.csv"]
    without = space_files(folders["cnn"], "me/my-sounds", examples=False)
    assert names - set(without) == {name for name in names if name.startswith("model/examples/")}
    assert "ATTRIBUTION" not in text_of(without, "README.md")
    assert {"model/rejection.safetensors"} <= set(space_files(folders["probe"], "me/x"))
    assert all(is_ours(name) for name in names - {"README.md"})
    assert not [name for name in ("README.md", "notes.txt", ".gitattributes", "data/a.wav") if is_ours(name)]


def test_nothing_in_it_tells_of_this_machine(folders):
    hints = [str(Path.home()).encode(), os.getcwd().encode(), str(folders["cnn"].parent).encode()]
    for kind in KINDS:
        for name, content in space_files(folders[kind], "me/my-sounds").items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            assert not [hint for hint in hints if hint in data], name
            assert not re.search(rb"hf_[A-Za-z0-9]{20}", data), name


def test_its_copy_of_the_package_is_unchanged_and_app_py_is_short(files):
    copied = [name for name in files if name.startswith("audiocls/") and name != "audiocls/__init__.py"]
    assert len(copied) > 20
    for name in copied:
        assert files[name] == PACKAGE / name.removeprefix("audiocls/")
    assert not [name for name in copied if "publish" in name or name.endswith("tabs/train.py")]
    assert {"audiocls/ui/sound_view.js", "audiocls/ui/sound_view.css"} <= set(copied)
    assert sum(files[name].stat().st_size for name in copied) < 1_500_000
    app = text_of(files, "app.py")
    assert len(app.splitlines()) < 200
    assert 'MODEL_ID = "me/my-sounds"' in app
    assert "user/name" not in app


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json"):
        space_files(tmp_path, "me/my-sounds")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no labels"):
        space_files(tmp_path, "me/my-sounds")
    (tmp_path / "config.json").write_text('{"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Config"}}')
    with pytest.raises(ModelError, match="its own code"):
        space_files(tmp_path, "me/my-sounds")


def test_labels_are_shown_as_they_are(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "a*b*", "1": "{{ c }}", "2": "<b>d"}}))
    text = text_of(space_files(tmp_path, "me/2024"), "README.md")
    assert r"It knows a\*b\*, {{ c }}, " in text
    assert "<b>" not in text.replace(r"\<b", "")
    assert SpaceCard(text).data.title == "2024"


def test_models_whose_numbers_depend_on_torchaudio_get_it(folders, tmp_path):
    assert "torchaudio" not in text_of(space_files(folders["ensemble"], "me/x"), "requirements.txt")
    config = json.loads((folders["ensemble"] / "config.json").read_text())
    config["members"][1]["extractor"]["feature_extractor_type"] = "ASTFeatureExtractor"
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "torchaudio==" in text_of(space_files(tmp_path, "me/x"), "requirements.txt")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Short and longer than any window, mono and stereo, of several rates and containers; and silence."""
    root = tmp_path_factory.mktemp("sounds")
    waveform = decode(SOUNDS / "animal" / "animal_01.ogg", 16000)

    rng = np.random.default_rng(3)
    left = np.tile(soxr.resample(waveform, 16000, 44100), 4)[: 44100 * 5]
    stereo = np.stack([left, left * 0.5 + rng.normal(0, 0.01, len(left)).astype(np.float32)], 1)
    soundfile.write(root / "short.wav", waveform[:9000], 16000)
    soundfile.write(root / "tiny.wav", waveform[4000:4400], 16000)
    soundfile.write(root / "long_stereo.flac", stereo, 44100)
    soundfile.write(root / "low.mp3", soxr.resample(waveform, 16000, 8000), 8000)
    written_av(root / "phone.m4a", "aac", 44100, channels=2, seconds=2.5)
    soundfile.write(root / "silent.wav", np.zeros(16000), 16000)
    return sorted(root.iterdir())


@pytest.fixture(scope="module")
def asked(folders, sounds, tmp_path_factory):
    """What each Space answers, in an environment that has what its requirements name and no audiocls."""
    root = tmp_path_factory.mktemp("spaces")
    spaces = [written(space_files(folders[kind], f"me/{kind}"), root / kind) for kind in KINDS]
    (root / "stub").mkdir()
    (root / "stub" / "spaces.py").write_text(SPACES)
    environment = environment_of(spaces[0], root / "environment")
    alone = environment.run(["-c", "import audiocls"], timeout=60)
    assert "No module named 'audiocls'" in alone.stderr
    given = [root / "stub", ":".join(map(str, spaces)), ":".join(map(str, sounds))]
    variables = {"PATH": os.environ["PATH"], "HOME": str(root), "OMP_NUM_THREADS": "1"}
    done = environment.run(["-c", ASK, *map(str, given)], env=variables, timeout=250)
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("ANSWERS ")] or [done.stderr]
    found = json.loads(line.removeprefix("ANSWERS "))
    assert refused(environment) == ""
    assert site_packages(environment).is_dir()
    return {kind: found[str(space)] for kind, space in zip(KINDS, spaces, strict=True)}, found


@pytest.mark.parametrize("kind", KINDS)
def test_it_hears_what_the_classifier_hears(kind, asked, folders, sounds):
    classifier = AudioClassifier.from_pretrained(folders[kind])
    said = set()
    for sound, answer in zip(sounds, classifier.answers(sounds), strict=True):
        row = asked[0][kind]["rows"][str(sound)]
        scores = {each["label"]: each["score"] for each in row["classify"]}
        assert list(scores.values()) == sorted(scores.values(), reverse=True)
        np.testing.assert_allclose([scores[label] for label in classifier.labels], answer.scores, atol=1e-4)
        assert row["answer"] == str(answer)
        assert bool(row["verdict"]) == (answer.label is None)
        said.add(answer.reason)
    assert "silent" in said


def test_it_says_what_the_model_knows_and_how_good_it_is(asked):
    page, note = " ".join(asked[0]["cnn"]["page"]), {kind: asked[0][kind]["note"] for kind in KINDS}
    assert "90.0% accuracy** (95% interval 81.0% to 95.0%) on 70 clips" in page
    assert note["cnn"] in page
    assert "(https://huggingface.co/me/cnn)" in note["cnn"]
    assert "It knows animal, drum, metal" in note["cnn"]
    assert list(asked[0]["cnn"]["example_sounds"]) == ["drum & set", "water"]
    assert asked[0]["forest"]["example_sounds"] == {}
    assert "always names the closest" not in note["cnn"]
    assert "always names the closest" not in note["several"]  # which may give no label at all
    assert "always names the closest" in note["finetune"]
    assert "It hears at most 1 s at a time" in note["cnn"]


def test_on_zero_gpu_all_hearing_asks_for_the_gpu(asked, sounds):
    """The stand-in for the package would have refused to be imported after torch."""
    assert set(asked[1]["gpu"]) == {"predict_known"}
    # answer and scores, and at least once for the events of what is no silence
    assert len(asked[1]["gpu"]) >= (2 * len(sounds) + len(sounds) - 1) * len(KINDS)
    assert asked[1]["package"].endswith("/cnn/audiocls/__init__.py")


@pytest.mark.parametrize("kind", ["cnn", "probe"])
def test_a_long_recording_has_the_events_the_classifier_finds(kind, asked, folders, sounds):
    classifier = AudioClassifier.from_pretrained(folders[kind])
    for sound in sounds:
        found = [(event.label, round(event.start_seconds, 2)) for event in classifier.detect(sound).events]
        told = asked[0][kind]["rows"][str(sound)]["events"]
        assert len(told) == len(found)
        assert all(label in each for (label, _), each in zip(found, told, strict=True))


def test_the_page_of_a_space_has_the_tabs_that_come_along():
    app = (PACKAGE / "publishing" / "space_files" / "app.py").read_text()
    assert f"TABS = {TABS}".replace("'", '"') in app
    assert {"train", "publish"}.isdisjoint(TABS)


def test_whatever_the_slice_imports_at_its_start_comes_along_or_is_named(files):
    """Packages that gradio or transformers stand on need not be named."""
    named = {line.split("==")[0] for line in text_of(files, "requirements.txt").splitlines()}
    come_along = {"gradio", "huggingface_hub", "PIL", "yaml", "tqdm", "filelock", "anyio", "pandas", "pydantic",
                  "starlette", "gradio_client"}  # fmt: skip
    missing = set()
    for name in [name for name in files if name.startswith("audiocls/") and name.endswith(".py")]:
        path = PACKAGE / name.removeprefix("audiocls/")
        for node in top_level(ast.parse(text_of(files, name))):
            for module in modules_named([node], path):
                if f"audiocls/{module.relative_to(PACKAGE).as_posix()}" not in files:
                    missing.add(module)
            tops = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            tops += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for top in {each.split(".")[0] for each in tops if each} - set(sys.stdlib_module_names) - {"audiocls"}:
                missing |= {top} - named - come_along
    assert missing == set()
