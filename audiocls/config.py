"""Every setting of a training run, defined once.

One dataclass serves the command line (flags and `--help`), recipes (YAML with the same names), the saved
`training_config.json` and Python callers. It checks each value on its own; what only the data can tell
(a class with too few clips, a window longer than every clip) is checked where the data is.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any, Self, get_args, get_origin

from audiocls.errors import UsageError

FEATURES = ("log_mel", "mfcc", "chroma", "spectral_contrast")
MODELS = ("cnn",)
FRAME_SECONDS = 0.030  # at least this long: 512 samples at 16 kHz, 2048 at 44.1 kHz
HOP_SECONDS = 0.016
CLIPS_SEEN, FEWEST_EPOCHS, MOST_EPOCHS = 8500, 12, 200  # how long to train when num_epochs is 0


def setting(
    default: Any, group: str, help: str, choices: tuple[str, ...] | None = None, metavar: str | None = None
) -> Any:
    """A dataclass field that also carries what `--help` says about it."""
    return field(default=default, metadata={"group": group, "help": help, "choices": choices, "metavar": metavar})


@dataclass
class TrainConfig:
    """Settings of one training run. Lengths in samples unless the name carries another unit.

    Raises:
        UsageError: a value is out of range; the message names the field, the value and the limit.
    """

    model: str = setting("cnn", "model", "kind of model", MODELS)

    features: str = setting(
        "log_mel",
        "features",
        "what the model sees: " + ", ".join(FEATURES) + ", or several joined by +",
        metavar="NAMES",
    )
    sampling_rate: int = setting(16000, "features", "rate every clip is resampled to, in Hz", metavar="HZ")
    clip_seconds: float = setting(
        3.0, "features", "window the model sees; longer clips are averaged over windows", metavar="S"
    )
    n_fft: int = setting(0, "features", "length of the Fourier transform, in samples; 0: about 32 ms", metavar="N")
    hop_length: int = setting(0, "features", "samples between two frames; 0: 16 ms", metavar="N")
    n_mels: int = setting(64, "features", "mel bands", metavar="N")
    n_mfcc: int = setting(20, "features", "MFCC coefficients", metavar="N")
    fmin_hz: float = setting(20.0, "features", "lowest frequency of the mel bands", metavar="HZ")
    fmax_hz: float | None = setting(
        None, "features", "highest frequency of the mel bands (half the rate unless given)", metavar="HZ"
    )
    mel_scale: str = setting("slaney", "features", "mel formula: librosa's default or HTK's", ("slaney", "htk"))
    image_size: tuple[int, int] | None = setting(
        None, "features", "resize the feature map to BANDSxFRAMES, such as 128x128", metavar="HxW"
    )

    test_size: float = setting(
        0.2, "data", "share of clips kept for the test part, when the data has none of its own", metavar="SHARE"
    )
    validation_size: float = setting(
        0.1, "data", "share of the training clips held out to watch the training; 0 trains on all", metavar="SHARE"
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
    strict: bool = setting(False, "data", "stop at the first unreadable, empty or silent file instead of going on")
    num_workers: int = setting(0, "data", "threads that decode; 0 means one per core", metavar="N")

    seed: int = setting(42, "training", "seed of the split, the weights and every random draw", metavar="N")
    num_epochs: int = setting(
        0,
        "training",
        "passes over the training clips; 0: 43 for 200 clips, more for fewer and so on",
        metavar="N",
    )
    batch_size: int = setting(16, "training", "clips per step, over all processes", metavar="N")
    learning_rate: float = setting(2e-3, "training", "highest learning rate", metavar="LR")
    weight_decay: float = setting(0.05, "training", "decoupled weight decay (adamw)", metavar="X")
    optimizer: str = setting("adamw", "training", "optimiser", ("adamw", "adam"))
    loss: str = setting(
        "auto",
        "training",
        "auto: binary cross-entropy for several labels a clip, else cross-entropy",
        ("auto", "cross_entropy", "binary_cross_entropy"),
    )
    label_smoothing: float = setting(0.05, "training", "share of the target spread over all classes", metavar="X")
    class_weights: str = setting(
        "auto",
        "training",
        "weigh rare classes more: auto does so when counts differ twofold",
        ("auto", "none", "balanced"),
    )
    mixup: float = setting(0.4, "training", "alpha of mixup's Beta distribution; 0 switches it off", metavar="ALPHA")
    spec_augment: bool = setting(True, "training", "mask random bands and frames (SpecAugment)")
    augment: bool = setting(True, "training", "random gain, filters, speed and position of each clip")
    early_stopping_patience: int = setting(
        0, "training", "stop after this many epochs without a better validation score; 0 never", metavar="N"
    )
    keep: str = setting(
        "last",
        "training",
        "weights to keep: of the last epoch, or those with the best validation score (as with patience)",
        ("last", "best"),
    )
    mixed_precision: str = setting("no", "training", "arithmetic on a GPU", ("no", "fp16", "bf16"))
    gradient_accumulation_steps: int = setting(1, "training", "batches per optimiser step", metavar="N")

    def __post_init__(self) -> None:
        if isinstance(self.image_size, str):
            self.image_size = parse_image_size(self.image_size)
        elif self.image_size is not None:
            self.image_size = (int(self.image_size[0]), int(self.image_size[1]))
        for name, spec in settings().items():
            choices = spec.metadata["choices"]
            if choices and getattr(self, name) not in choices:
                raise UsageError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        self._check_ranges()
        # The frame keeps its duration at every sampling rate, as a power of two for a fast transform.
        self.n_fft = self.n_fft or 1 << math.ceil(math.log2(FRAME_SECONDS * self.sampling_rate))
        self.hop_length = self.hop_length or max(1, round(HOP_SECONDS * self.sampling_rate))
        self._check_features()

    def _check_features(self) -> None:
        chosen = self.features.split("+")
        unknown = [name for name in chosen if name not in FEATURES]
        if unknown:
            raise UsageError(f"features has {unknown[0]!r}; choose from {', '.join(FEATURES)}, joined by +")
        if len(set(chosen)) != len(chosen):
            raise UsageError(f"features is {self.features!r}; name each feature once")
        if self.n_mfcc > self.n_mels:
            raise UsageError(f"n_mfcc is {self.n_mfcc}; there are only n_mels = {self.n_mels} bands to derive it from")
        if self.fmax_hz is not None and not self.fmin_hz < self.fmax_hz <= self.sampling_rate / 2:
            raise UsageError(
                f"fmax_hz is {self.fmax_hz:g}; it must lie above fmin_hz = {self.fmin_hz:g} "
                f"and at most at half the sampling rate, {self.sampling_rate / 2:g}"
            )
        if self.hop_length > self.n_fft:
            raise UsageError(f"hop_length is {self.hop_length}; more than n_fft = {self.n_fft} would skip samples")

    def _check_ranges(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "sampling_rate": (1000, 384_000),
            "clip_seconds": (0.05, 60),
            "n_fft": (0, 65_536),
            "hop_length": (0, 65_536),
            "n_mels": (4, 512),
            "n_mfcc": (1, 512),
            "fmin_hz": (0, self.sampling_rate / 2),
            "test_size": (0, 0.9),
            "validation_size": (0, 0.9),
            "num_workers": (0, 1024),
            "seed": (0, 2**32 - 1),
            "num_epochs": (0, 100_000),
            "batch_size": (2, 65_536),
            "learning_rate": (1e-8, 10),
            "weight_decay": (0, 10),
            "label_smoothing": (0, 0.9),
            "mixup": (0, 100),
            "early_stopping_patience": (0, 100_000),
            "gradient_accumulation_steps": (1, 4096),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not math.isfinite(value) or not low <= value <= high:
                raise UsageError(f"{name} is {value}; it must lie between {low:g} and {high:g}")
        if self.image_size is not None and not all(8 <= side <= 1024 for side in self.image_size):
            raise UsageError(f"image_size is {self.image_size[0]}x{self.image_size[1]}; each side must be 8 to 1024")

    def epochs(self, num_clips: int) -> int:
        """Passes over a training part of this many clips: as set, or chosen so that the clips seen stay about equal."""
        return self.num_epochs or min(max(round(CLIPS_SEEN / num_clips), FEWEST_EPOCHS), MOST_EPOCHS)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

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
            values = {**values, name: coerce(name, value, source)}
        return cls(**values)


def settings() -> dict[str, dataclasses.Field]:
    """All settings by name, in the order of `--help`."""
    return {f.name: f for f in dataclasses.fields(TrainConfig)}


def base_type(name: str) -> type:
    """The type of one setting without its `| None`: str, int, float, bool or tuple."""
    annotation: Any = settings()[name].type
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType] if is_optional(name) else [annotation]
    return get_origin(kinds[0]) or kinds[0]


def is_optional(name: str) -> bool:
    return NoneType in get_args(settings()[name].type)


def coerce(name: str, value: Any, source: str) -> Any:
    """Check one plain value against the type of its setting; integers serve as floats and "1e-3" as a number."""
    kind = base_type(name)
    if (value is None and is_optional(name)) or kind is tuple:
        return value
    if kind is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            value = float(value)
        except ValueError:
            raise UsageError(f"{source}: {name} is {value!r}; it must be a number") from None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f"{source}: {name} is {value!r}; it must be of type {kind.__name__}")
    return value


def parse_image_size(text: str) -> tuple[int, int]:
    """Read "128x128" as (bands, frames)."""
    bands, separator, frames = text.lower().partition("x")
    if not separator or not bands.isdigit() or not frames.isdigit():
        raise UsageError(f"image_size is {text!r}; write it as BANDSxFRAMES, such as 128x128")
    return int(bands), int(frames)


def load_recipe(path: str | Path) -> dict[str, Any]:
    """Read a recipe: a YAML (or JSON) file of setting names and values.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or names an unknown setting.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: the recipe cannot be read: {error.strerror}") from error
    try:
        values = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a recipe is a list of lines such as 'num_epochs: 40'")
    TrainConfig.from_dict(values, source=str(path))
    return values
