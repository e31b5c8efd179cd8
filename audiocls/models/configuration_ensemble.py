"""The configuration of several models that answer together, saved as their one `config.json`.

Exported with every such model: imports only what a Hub user has.
"""

from typing import Any

from transformers import PretrainedConfig

from .logit_scaling import check_scaling


class AudioClsEnsembleConfig(PretrainedConfig):
    """Everything needed to rebuild the members around their weights.

    Args:
        members: for each a dict with `config` (the member's own configuration, with its `model_type`), `weight` (its
            share in the mean; they add up to 1), `extractor` (what would be its `preprocessor_config.json`; None for
            audiocls models, which take the waveform), and `window_length` (samples that it sees at once; longer clips
            are averaged over windows).
        sampling_rate: rate of `input_values`, in Hz; all members have it.
        window_seconds: longer clips are cut into windows of this length and their logits averaged, above the windows
            of the members; at least as long as any of these.
        logit_scale, logit_bias: one number a label, by which the logits of the mean are calibrated; None changes
            nothing.
        rejection: how it tells sounds of none of its classes, as `KnownSounds` describes; None when it cannot.

    Raises:
        ValueError: a member that lacks one of its fields, a weight that is not positive, or a scale or bias that fits
            no answer.
    """

    model_type = "audiocls_ensemble"

    def __init__(
        self,
        members: list[dict[str, Any]] | None = None,
        sampling_rate: int = 16000,
        window_seconds: float = 60.0,
        logit_scale: list[float] | None = None,
        logit_bias: list[float] | None = None,
        rejection: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.members = [dict(member) for member in members or []]
        for number, member in enumerate(self.members):
            missing = {"config", "weight", "extractor", "window_length"} - set(member)
            if missing:
                raise ValueError(f"member {number} of the ensemble has no {sorted(missing)[0]!r}")
            if not member["weight"] > 0:
                raise ValueError(f"member {number} of the ensemble has weight {member['weight']}; it must be above 0")
        self.sampling_rate = sampling_rate
        self.window_seconds = window_seconds
        self.logit_scale, self.logit_bias = logit_scale, logit_bias
        self.rejection = rejection
        super().__init__(**kwargs)
        check_scaling(self)

    @property
    def window_length(self) -> int:
        """The window in samples."""
        return max(1, round(self.window_seconds * self.sampling_rate))


AudioClsEnsembleConfig.register_for_auto_class()
