"""The configuration saved as `config.json`: features, windows, network and labels of an audiocls model.

Exported with every model: imports only what a Hub user has.
"""

import difflib
from typing import Any

from transformers import PretrainedConfig

from .denoising import check_denoise
from .logit_scaling import check_scaling


class AudioClsConfig(PretrainedConfig):
    """Everything needed to rebuild an audiocls model around its weights.

    Args:
        architecture: name of the network in `networks.NETWORKS`.
        sampling_rate: rate of `input_values`, in Hz.
        window_seconds: what the network sees at once; longer clips are cut into windows and their logits averaged
            (scores, for trees).
        features: `log_mel`, `mfcc`, `chroma`, `spectral_contrast`, `pitch`, or several joined by `+`.
        n_fft, hop_length: frame length and step of the Fourier transform, in samples.
        n_mels, fmin_hz, fmax_hz, mel_scale: the mel bands; `fmax_hz=None` is half the sampling rate.
        n_mfcc: MFCC coefficients.
        image_size: `[bands, frames]` to resize the feature map to, or None.
        feature_mean, feature_std: per band, measured on the training part; None leaves features as they are. They
            are plain lists and no buffers, so that loading in bfloat16 does not round them.
        denoise: how noise is reduced in every window, as `denoising.SpectralGate` describes; None leaves it as it is.
        network: settings of the network alone, as its class documents them.
        logit_scale, logit_bias: one number a label, by which each window's logits are calibrated; None changes nothing.
        rejection: how it tells sounds of none of its classes, as `KnownSounds` describes; None when it cannot.

    Raises:
        ValueError: a misspelt field (transformers would accept it silently), a scale or bias that fits no answer, or
            noise reduction that cannot be.
    """

    model_type = "audiocls"

    def __init__(
        self,
        architecture: str = "cnn",
        sampling_rate: int = 16000,
        window_seconds: float = 3.0,
        features: str = "log_mel",
        n_fft: int = 512,
        hop_length: int = 256,
        n_mels: int = 64,
        n_mfcc: int = 20,
        fmin_hz: float = 20.0,
        fmax_hz: float | None = None,
        mel_scale: str = "slaney",
        image_size: list[int] | None = None,
        feature_mean: list[float] | None = None,
        feature_std: list[float] | None = None,
        denoise: dict[str, Any] | None = None,
        network: dict[str, Any] | None = None,
        logit_scale: list[float] | None = None,
        logit_bias: list[float] | None = None,
        rejection: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.architecture = architecture
        self.sampling_rate = sampling_rate
        self.window_seconds = window_seconds
        self.features = features
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.n_mfcc = n_mfcc
        self.fmin_hz = fmin_hz
        self.fmax_hz = fmax_hz
        self.mel_scale = mel_scale
        self.image_size = list(image_size) if image_size is not None else None
        self.feature_mean = feature_mean
        self.feature_std = feature_std
        self.denoise = denoise
        self.network = dict(network or {})
        self.logit_scale, self.logit_bias = logit_scale, logit_bias
        self.rejection = rejection
        own = [name for name in vars(self) if not name.startswith("_")]
        common = PretrainedConfig()
        for name in kwargs:
            if hasattr(common, name):  # "architectures", for one, is no misspelling
                continue
            meant = difflib.get_close_matches(name, own, n=1, cutoff=0.8)
            if meant:
                raise ValueError(f"AudioClsConfig has no field {name!r}; did you mean {meant[0]!r}?")
        super().__init__(**kwargs)
        check_scaling(self)
        if denoise is not None:
            check_denoise(denoise)

    @property
    def window_length(self) -> int:
        """The window in samples."""
        return max(1, round(self.window_seconds * self.sampling_rate))


AudioClsConfig.register_for_auto_class()
