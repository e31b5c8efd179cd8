"""Settings: one definition for flags, recipes and saved JSON; wrong values are named with their limit."""

import pytest

from audiocls.arguments import Parser, add_settings, load_recipe
from audiocls.config import TrainConfig, settings
from audiocls.errors import UsageError
from audiocls.settings import base_type


def test_defaults_are_valid_and_survive_json():
    config = TrainConfig()
    assert TrainConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sampling_rate", 0),
        ("clip_seconds", -1.0),
        ("test_size", 1.5),
        ("batch_size", 1),
        ("learning_rate", float("nan")),
        ("mixup", -0.1),
        ("features", "log_mel+log_mel"),
        ("features", "wavelets"),
        ("optimizer", "sgd"),
        ("fmax_hz", 9000.0),
        ("image_size", (4, 128)),
        ("n_mfcc", 500),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=name):
        TrainConfig(**{name: value})


def test_frames_follow_the_sampling_rate_unless_given():
    at_16k, at_44k = TrainConfig(), TrainConfig(sampling_rate=44100)
    assert at_16k.hop_length / 16000 == pytest.approx(at_44k.hop_length / 44100, rel=0.02)
    assert at_44k.n_fft > at_16k.n_fft
    assert TrainConfig(sampling_rate=44100, n_fft=1024).n_fft == 1024


def test_a_recipe_fills_in_and_flags_win(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("num_epochs: 7\nlearning_rate: 1e-3\nimage_size: 128x128\n", encoding="utf-8")
    values = load_recipe(recipe)
    config = TrainConfig.from_dict({**values, "num_epochs": 3})
    assert (config.num_epochs, config.learning_rate, config.image_size) == (3, 1e-3, (128, 128))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("num_epoch: 3", "num_epoch"),
        ("num_epochs: many", "num_epochs"),
        ("num_epochs: true", "num_epochs"),
        ("- 3", "recipe"),
        ("a: [", "YAML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_name(tmp_path, text, complaint):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as caught:
        load_recipe(recipe)
    assert "recipe.yaml" in str(caught.value)


def test_every_setting_is_a_flag_with_help_and_can_be_given():
    parser = Parser(prog="x")
    add_settings(parser)
    help_text = parser.format_help()
    for name, spec in settings().items():
        assert f"--{name}" in help_text
        assert spec.metadata["help"]
        kind = base_type(spec)
        if kind is bool:
            given = parser.parse_args([f"--{name}"])
        else:
            example = {tuple: "64x64", int: "3", float: "0.5", str: (spec.metadata["choices"] or ("x",))[0]}[kind]
            several = isinstance(spec.metadata["metavar"], tuple)
            given = parser.parse_args([f"--{name}", *(["0", "20"] if several else [example])])
        assert sorted(vars(given)) == sorted(["config", name])


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("cn1d", "did you mean cnn1d"),
        ("svm", "The kinds are"),
        ("probe", "say which pretrained model"),
        ("probe:", "say which pretrained model"),
        ("forest:whisper-tiny.en", "takes nothing after a colon"),
    ],
)
def test_a_wrong_kind_of_model_is_explained(model, complaint):
    with pytest.raises(UsageError, match=complaint):
        TrainConfig(model=model)


def test_a_kind_brings_its_own_defaults_and_given_values_win():
    assert TrainConfig().features == "log_mel"
    assert TrainConfig(model="cnn1d").features == "mfcc"
    assert TrainConfig(model="forest").validation_size == 0.0
    assert TrainConfig(model="forest", validation_size=0.2).validation_size == 0.2
    probe = TrainConfig(model="probe:some/model@main")
    assert (probe.kind, probe.backbone) == ("probe", "some/model@main")


def test_what_was_left_to_the_kind_is_chosen_anew_for_another():
    config = TrainConfig(n_mels=40)
    other = config.replaced(model="cnn1d", sampling_rate=44100)
    assert (other.features, other.n_mels, other.n_fft) == ("mfcc", 40, 2048)
    assert TrainConfig(features="chroma").replaced(model="forest").features == "chroma"
    with pytest.raises(UsageError, match="learning_rat"):
        config.replaced(learning_rat=0.1)


def test_a_span_of_noise_levels_is_two_numbers_the_lowest_first():
    assert TrainConfig(noise_snr_db=(0, 20)).noise_snr_db == (0.0, 20.0)
    assert TrainConfig.from_dict({"noise_snr_db": [-3, 12]}).noise_snr_db == (-3.0, 12.0)
    for wrong in ((20, 0), (1,), "loud", (0, float("nan"))):
        with pytest.raises(UsageError, match="noise_snr_db"):
            TrainConfig(noise_snr_db=wrong)
