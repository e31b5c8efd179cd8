"""Groups of settings that `TrainConfig` is put together from, so that no module grows out of sight.

What is in every run (model, features, data, training) is in `config` itself.
"""

from dataclasses import dataclass

from audiocls.settings import setting


@dataclass
class FieldSettings:
    """For models that are to work outside the studio: in noise, and on long recordings."""

    noise_snr_db: tuple[float, float] | None = setting(
        None,
        "field",
        "also train on clips within background noise, at a random signal-to-noise ratio from LO to HI dB and at a "
        "random place in the window: for long recordings, such as 0 20",
        metavar=("LO", "HI"),
    )
    background_folder: str | None = setting(
        None,
        "field",
        "folder of recordings without any of the classes: the noise to train in, and examples of what is none of the "
        "classes; without it, the clips' own quiet parts and synthetic noise serve",
        metavar="FOLDER",
    )
    noisy_copies: int = setting(
        2,
        "field",
        "copies of each clip in noise, for kinds that hear every clip once (forest, boosting, probe)",
        metavar="N",
        limits=(0, 100),
    )
    denoise: str = setting(
        "no",
        "field",
        "reduce noise by spectral gating as part of the model: stationary, against the noise level of the whole "
        "window, or nonstationary, against one that follows the sound; helps in loud noise, costs some on clean clips",
        ("no", "stationary", "nonstationary"),
    )


@dataclass
class HonestySettings:
    """What is fitted and measured after training."""

    calibrate: bool = setting(
        True, "honesty", "fit the scores on held-out clips, so that 0.8 means right in 8 of 10 cases"
    )
    rejection: bool = setting(True, "honesty", "learn to tell what is none of the classes")
    acceptance: float = setting(
        0.95, "honesty", "share of the classes' own clips that must pass as known", metavar="SHARE", limits=(0.01, 1)
    )
    leak_report: bool = setting(
        True, "honesty", "where groups are known or guessed, measure what a split that ignores them would flatter"
    )


@dataclass
class FinetuneSettings:
    """Of `finetune`, beside those of training."""

    freeze_layers: int = setting(
        0,
        "finetune",
        "lowest layers of the encoder that stay as they are, as what lies below them always does",
        metavar="N",
        limits=(0, 1000),
    )
    layer_decay: float = setting(
        0.8, "finetune", "learning rate of a layer, as a multiple of the next higher one's", metavar="X", limits=(0, 1)
    )
    head_scale: float = setting(
        10.0,
        "finetune",
        "learning rate of the classifier, as a multiple of the highest layer's",
        metavar="X",
        limits=(0, 1e4),
    )
    probe_share: float = setting(
        0.5,
        "finetune",
        "share of the probe's weights in the result, beside the trained ones",
        metavar="X",
        limits=(0, 1),
    )
    gradient_checkpointing: bool = setting(
        False, "finetune", "compute the layers twice instead of keeping what they computed: less memory"
    )
