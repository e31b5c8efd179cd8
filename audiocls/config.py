"""Every setting of a training run, defined once.

One dataclass serves the command line (flags and `--help`), recipes (YAML with the same names), the saved
`training_config.json` and Python callers. It checks each value on its own; what only the data can tell
(a class with too few clips, a window longer than every clip) is checked where the data is.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

from audiocls.errors import UsageError
from audiocls.kind_names import NETWORK_KINDS, parse_model
from audiocls.setting_groups import FieldSettings, FinetuneSettings, HonestySettings
from audiocls.settings import check_value, checked_span, coerce, parse_image_size, setting

FEATURES = ("log_mel", "mfcc", "chroma", "spectral_contrast", "pitch")
FRAME_SECONDS = 0.030  # at least this long: 512 samples at 16 kHz, 2048 at 44.1 kHz
HOP_SECONDS = 0.016
# How long to train when num_epochs is 0: clips to see in all, fewest and most epochs.
TRAINING_LENGTH = {"finetune": (1200, 3, 20)}
NETWORK_LENGTH = (8500, 12, 200)
LEARNING_RATE = {"finetune": 1.5e-5}
NETWORK_LEARNING_RATE = 2e-3
ALL_STATISTICS = "mfcc+chroma+spectral_contrast+pitch"
DEFAULT_FEATURES = {"cnn1d": "mfcc", "forest": ALL_STATISTICS, "boosting": ALL_STATISTICS}
VALIDATION_SIZE = 0.1  # of kinds that are trained by epochs; the others validate inside the training part


@dataclass
class TrainConfig(FinetuneSettings, HonestySettings, FieldSettings):
    """Settings of one training run. Lengths in samples unless the name carries another unit.

    Values left to be chosen ("auto", 0 or None, as the help says) are filled in by kind and sampling rate.

    Raises:
        UsageError: a value is out of range; the message names the field, the value and the limit.
    """

    model: str = setting(
        "cnn",
        "model",
        "kind of model: cnn, cnn1d, crnn, forest, boosting, probe:NAME or finetune:NAME (NAME is a pretrained model: a "
        "Hub id, a folder, or one that `audiocls weights` fetched), or auto, which finds the best",
        metavar="KIND",
    )
    rnn: str = setting("lstm", "model", "recurrent layer of crnn", ("lstm", "gru"))
    budget_minutes: float = setting(
        5.0, "model", "time that auto may take to choose and train", metavar="M", limits=(0.01, 100_000)
    )

    features: str = setting(
        "auto",
        "features",
        "what the model sees: " + ", ".join(FEATURES) + ", or several joined by +; auto: by kind",
        metavar="NAMES",
    )
    sampling_rate: int = setting(
        16000, "features", "rate every clip is resampled to, in Hz", metavar="HZ", limits=(1000, 384_000)
    )
    clip_seconds: float = setting(
        3.0,
        "features",
        "window the model sees; longer clips are averaged over windows",
        metavar="S",
        limits=(0.05, 60),
    )
    n_fft: int = setting(
        0, "features", "length of the Fourier transform, in samples; 0: about 32 ms", metavar="N", limits=(0, 65_536)
    )
    hop_length: int = setting(0, "features", "samples between two frames; 0: 16 ms", metavar="N", limits=(0, 65_536))
    n_mels: int = setting(64, "features", "mel bands", metavar="N", limits=(4, 512))
    n_mfcc: int = setting(20, "features", "MFCC coefficients", metavar="N", limits=(1, 512))
    fmin_hz: float = setting(20.0, "features", "lowest frequency of the mel bands", metavar="HZ", limits=(0, 192_000))
    fmax_hz: float | None = setting(
        None, "features", "highest frequency of the mel bands (half the rate unless given)", metavar="HZ"
    )
    mel_scale: str = setting("slaney", "features", "mel formula: librosa's default or HTK's", ("slaney", "htk"))
    image_size: tuple[int, int] | None = setting(
        None, "features", "resize the feature map to BANDSxFRAMES, such as 128x128", metavar="HxW"
    )

    test_size: float = setting(
        0.2,
        "data",
        "share of clips kept for the test part, when the data has none of its own",
        metavar="SHARE",
        limits=(0, 0.9),
    )
    validation_size: float | None = setting(
        None,
        "data",
        "share of the training clips held out to watch the training; 0 trains on all (0.1 for kinds trained by "
        "epochs, else 0)",
        metavar="SHARE",
        limits=(0, 0.9),
    )
    streaming: bool = setting(
        False,
        "data",
        "read a data set of the Hub clip by clip, without first keeping a copy of all of it on this machine",
    )
    label_regex: str | None = setting(
        None,
        "data",
        "regular expression on a label; what it captures becomes the label: '_(.+)' makes angry of OAF_angry",
        metavar="RE",
    )
    group_regex: str | None = setting(
        None,
        "data",
        "regular expression on a file's path; what it captures is the group kept on one side",
        metavar="RE",
    )
    group_table: str | None = setting(
        None, "data", "CSV with columns file and group (an ATTRIBUTION.csv beside the data is found)", metavar="CSV"
    )
    extra_folder: str | None = setting(
        None,
        "data",
        "folder of more labelled clips, such as corrections of the app, for the training part alone; validation and "
        "test stay as they are",
        metavar="FOLDER",
    )
    strict: bool = setting(False, "data", "stop at the first unreadable, empty or silent file instead of going on")
    allow_leaks: bool = setting(
        False, "data", "train although clips of the test part are copies of training clips; scores then flatter"
    )
    num_workers: int = setting(0, "data", "threads that decode; 0 means one per core", metavar="N", limits=(0, 1024))

    seed: int = setting(
        42, "training", "seed of the split, the weights and every random draw", metavar="N", limits=(0, 2**32 - 1)
    )
    num_epochs: int = setting(
        0,
        "training",
        "passes over the training clips; 0: by kind and number of clips (cnn: 43 for 200 clips)",
        metavar="N",
        limits=(0, 100_000),
    )
    batch_size: int = setting(16, "training", "clips per step, over all processes", metavar="N", limits=(2, 65_536))
    learning_rate: float = setting(
        0.0, "training", "highest learning rate; 0: 0.002, and 1.5e-5 to finetune", metavar="LR", limits=(0, 10)
    )
    weight_decay: float = setting(0.05, "training", "decoupled weight decay (adamw)", metavar="X", limits=(0, 10))
    optimizer: str = setting("adamw", "training", "optimiser", ("adamw", "adam"))
    loss: str = setting(
        "auto",
        "training",
        "auto: binary cross-entropy for several labels a clip, else cross-entropy",
        ("auto", "cross_entropy", "binary_cross_entropy"),
    )
    label_smoothing: float = setting(
        0.05, "training", "share of the target spread over all classes", metavar="X", limits=(0, 0.9)
    )
    class_weights: str = setting(
        "auto",
        "training",
        "weigh rare classes more: auto does so when counts differ twofold",
        ("auto", "none", "balanced"),
    )
    mixup: float = setting(
        0.4, "training", "alpha of mixup's Beta distribution; 0 switches it off", metavar="ALPHA", limits=(0, 100)
    )
    spec_augment: bool = setting(True, "training", "mask random bands and frames (SpecAugment)")
    augment: bool = setting(True, "training", "random gain, filters, speed and position of each clip")
    early_stopping_patience: int = setting(
        0,
        "training",
        "stop after this many epochs without a better validation score; 0 never",
        metavar="N",
        limits=(0, 100_000),
    )
    keep: str = setting(
        "last",
        "training",
        "weights to keep: of the last epoch, or those with the best validation score (as with patience)",
        ("last", "best"),
    )
    mixed_precision: str = setting("no", "training", "arithmetic on a GPU", ("no", "fp16", "bf16"))
    gradient_accumulation_steps: int = setting(
        1, "training", "batches per optimiser step", metavar="N", limits=(1, 4096)
    )

    def __post_init__(self) -> None:
        self._given = {name: getattr(self, name) for name in settings()}
        self.kind, self.backbone = parse_model(self.model)
        if isinstance(self.image_size, str):
            self.image_size = parse_image_size(self.image_size)
        elif self.image_size is not None:
            self.image_size = (int(self.image_size[0]), int(self.image_size[1]))
        if self.noise_snr_db is not None:
            self.noise_snr_db = checked_span("noise_snr_db", self.noise_snr_db)
        for name, spec in settings().items():
            check_value(spec, getattr(self, name))
        self._fill_in()
        self._check_features()

    def _fill_in(self) -> None:
        if self.features == "auto":
            self.features = DEFAULT_FEATURES.get(self.kind, "log_mel")
        # The frame keeps its duration at every sampling rate, as a power of two for a fast transform.
        self.n_fft = self.n_fft or 1 << math.ceil(math.log2(FRAME_SECONDS * self.sampling_rate))
        self.hop_length = self.hop_length or max(1, round(HOP_SECONDS * self.sampling_rate))
        self.learning_rate = self.learning_rate or LEARNING_RATE.get(self.kind, NETWORK_LEARNING_RATE)
        if self.validation_size is None:
            self.validation_size = VALIDATION_SIZE if self.kind in (*NETWORK_KINDS, "finetune") else 0.0

    def _check_features(self) -> None:
        chosen = self.features.split("+")
        unknown = [name for name in chosen if name not in FEATURES]
        if unknown:
            raise UsageError(f"features has {unknown[0]!r}; choose from {', '.join(FEATURES)}, joined by +")
        if len(set(chosen)) != len(chosen):
            raise UsageError(f"features is {self.features!r}; name each feature once")
        if self.n_mfcc > self.n_mels:
            raise UsageError(f"n_mfcc is {self.n_mfcc}; there are only n_mels = {self.n_mels} bands to derive it from")
        fmax_hz = self.sampling_rate / 2 if self.fmax_hz is None else self.fmax_hz
        if not self.fmin_hz < fmax_hz <= self.sampling_rate / 2:
            raise UsageError(
                f"fmax_hz is {fmax_hz:g}; it must lie above fmin_hz = {self.fmin_hz:g} "
                f"and at most at half the sampling rate, {self.sampling_rate / 2:g}"
            )
        if self.hop_length > self.n_fft:
            raise UsageError(f"hop_length is {self.hop_length}; more than n_fft = {self.n_fft} would skip samples")
        if self.image_size is not None and not all(8 <= side <= 1024 for side in self.image_size):
            raise UsageError(f"image_size is {self.image_size[0]}x{self.image_size[1]}; each side must be 8 to 1024")

    def epochs(self, num_clips: int) -> int:
        """Passes over a training part of this many clips: as set, or chosen so that the clips seen stay about equal."""
        clips_seen, fewest, most = TRAINING_LENGTH.get(self.kind, NETWORK_LENGTH)
        return self.num_epochs or min(max(round(clips_seen / num_clips), fewest), most)

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in settings()}

    def replaced(self, **changes: Any) -> Self:
        """These settings with some changed; what was left to be chosen is chosen anew.

        Raises:
            UsageError: as `from_dict`.
        """
        return self.from_dict({**self._given, **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "settings") -> Self:
        """Build from plain values, as read from YAML or JSON.

        Raises:
            UsageError: an unknown name or a value of the wrong type or range.
        """
        known = settings()
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"{source}: there is no setting {name!r}; see --help for the names")
            values = {**values, name: coerce(known[name], value, source)}
        return cls(**values)


def settings() -> dict[str, dataclasses.Field]:
    """All settings by name, those of every run first."""
    every = {spec.name: spec for spec in dataclasses.fields(TrainConfig)}
    return {name: every[name] for name in (*TrainConfig.__annotations__, *every)}
