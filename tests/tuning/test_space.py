"""Spaces: what may be searched, how it is written, and one line for whatever cannot be."""

import pytest

from audiocls.config import TrainConfig, settings
from audiocls.errors import UsageError
from audiocls.kind_names import KINDS
from audiocls.tuning.space import Choices, Range, grid_size, plain_space, read_space

CNN = TrainConfig()


def write(path, text):
    path.write_text(text)
    return path


def test_a_file_of_lists_and_ranges_is_read_with_the_types_of_the_settings(tmp_path):
    path = write(
        tmp_path / "space.yaml",
        "learning_rate: {low: 5e-4, high: 1e-2, log: true}\n"
        "num_epochs: {low: 20, high: 65, step: 10}\n"
        "clip_seconds: [1, 2.5]\n"
        "augment: [yes, no]\n"
        "image_size: [null, [64, 32], 128x128]\n"
        "features: [mfcc, log_mel+chroma]\n",
    )
    space = read_space(path, CNN)
    assert space == {
        "learning_rate": Range(0.0005, 0.01, log=True),
        "num_epochs": Range(20, 60, step=10, whole=True),
        "clip_seconds": Choices((1.0, 2.5)),
        "augment": Choices((True, False)),
        "image_size": Choices((None, "64x32", "128x128")),
        "features": Choices(("mfcc", "log_mel+chroma")),
    }
    assert isinstance(space["clip_seconds"].values[0], float)
    assert plain_space(space)["clip_seconds"] == [1.0, 2.5]


def test_a_grid_takes_ranges_at_their_steps_as_written_in_decimals():
    space = read_space({"mixup": {"low": 0.1, "high": 0.4, "step": 0.1}, "n_mels": [40, 64]}, CNN, "grid")
    assert space["mixup"] == Choices((0.1, 0.2, 0.3, 0.4))
    assert grid_size(space) == 8


@pytest.mark.parametrize("search", ["grid", "random"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "auto"])
def test_every_kind_has_a_default_space_of_settings_that_exist(kind, search):
    config = TrainConfig(model=f"{kind}:tiny" if kind in ("probe", "finetune") else kind)
    space = read_space("default", config, search)
    assert set(space) <= set(settings())
    if search == "grid":
        assert 2 <= grid_size(space) <= 50


def test_what_was_fixed_is_not_searched_by_default():
    assert "mixup" in read_space("default", CNN)
    assert "mixup" not in read_space("default", TrainConfig(mixup=0.1))
    with pytest.raises(UsageError, match="clip_seconds, which you fixed"):
        read_space("default", TrainConfig(model="probe:tiny", clip_seconds=1.5))


@pytest.mark.parametrize(
    ("text", "search", "message"),
    [
        ("learningrate: [0.1]", "tpe", "no setting 'learningrate'; did you mean learning_rate?"),
        ("zzz: [0.1]", "tpe", "no setting 'zzz'; see --help"),
        ("3: [0.1]", "tpe", "no setting 3"),
        ("n_mels: []", "tpe", "n_mels has an empty list"),
        ("n_mels: [64, 2]", "tpe", "n_mels is 2; it must lie between 4 and 512"),
        ("n_mels: [64, many]", "tpe", "n_mels is 'many'; it must be of type int"),
        ("n_mels: [64, 64]", "tpe", "n_mels names 64 twice"),
        ("n_mels: 64", "tpe", r"n_mels is 64; write a list, \[64\]"),
        ("rnn: [lstm, rnn]", "tpe", "rnn is 'rnn'; choose one of lstm, gru"),
        ("rnn: {low: 1, high: 2}", "tpe", "rnn is no number"),
        ("features: [mfcc, mfc]", "tpe", "features has 'mfc'"),
        ("image_size: [128]", "tpe", "image_size is 128; write it as 128x128"),
        ("mixup: {low: 0.5, high: 0.1}", "tpe", "mixup goes from 0.5 to 0.1; low must be less than high"),
        ("mixup: {low: 0, high: 1, log: true}", "tpe", "a logarithmic range must begin above 0"),
        ("mixup: {low: 0.1, high: 1, log: true, step: 0.1}", "tpe", "a logarithmic range has no steps"),
        ("mixup: {low: 0.1, high: 1, log: 1}", "tpe", "log of mixup is 1"),
        ("mixup: {low: 0, high: 1, step: 2}", "tpe", "step of mixup is 2; it must lie above 0 and within 1"),
        ("mixup: {low: 0, high: 1, step: -0.1}", "tpe", "step of mixup is -0.1"),
        ("mixup: {low: 0, high: 1, step: x}", "tpe", "step of mixup is 'x'"),
        ("mixup: {low: 0, hihg: 1}", "tpe", "range of mixup has 'hihg'"),
        ("mixup: {low: 0}", "tpe", "range of mixup lacks low or high"),
        ("mixup: {low: 0, high: 200}", "tpe", "mixup is 200.0; it must lie between 0 and 100"),
        ("mixup: {low: 0, high: 1}", "grid", "mixup is a range without steps; a grid needs a step, or a list"),
        ("mixup: {low: 0, high: 1, step: 1e-9}", "grid", "a grid can have"),
        ("seed: [1, 2]", "tpe", "seed decides what the trials are measured on"),
        ("test_size: [0.1, 0.2]", "tpe", "test_size decides what the trials are measured on"),
        ("model: [cnn, crnn]", "tpe", "model decides what"),
        ("", "tpe", "nothing to search"),
        ("- n_mels", "tpe", "a space is a list of lines"),
        ("a: [", "tpe", "not valid YAML"),
    ],
)
def test_what_cannot_be_searched_is_one_line_that_names_the_file(tmp_path, text, search, message):
    path = write(tmp_path / "space.yaml", text)
    with pytest.raises(UsageError, match=message) as error:
        read_space(path, CNN, search)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_space(tmp_path / "none.yaml", CNN)
