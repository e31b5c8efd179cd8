"""Data for the field: what a run that trains for noise adds to its clips.

A run trains for the field when `noise_snr_db` or `background_folder` is set. Kinds that hear each clip once learn from
`in_the_field`; those trained by epochs draw anew in every epoch (`audiocls.training.batches`).
"""

import dataclasses

from audiocls.config import TrainConfig
from audiocls.data.backgrounds import Backgrounds, load_backgrounds
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData
from audiocls.data.mixed_clips import BackgroundClips, JoinedClips, Mixer, with_copies

USUAL_SNR_DB = (0.0, 20.0)  # where only a folder of backgrounds is given
MOST_BACKGROUNDS = 200  # stretches of background alone, as examples of what is none of the classes
BACKGROUND_SHARE = 0.3  # of a clip, that such a stretch counts in solved classifiers


def field_snr_db(config: TrainConfig) -> tuple[float, float] | None:
    """Lowest and highest signal-to-noise ratio in dB to train at; None when the run does not train for the field."""
    if config.noise_snr_db is None and config.background_folder is not None:
        return USUAL_SNR_DB
    return config.noise_snr_db


def field_backgrounds(config: TrainConfig, audio: AudioData) -> Backgrounds | None:
    """The backgrounds of a run that trains for the field, else None.

    Raises:
        DataError: as `load_backgrounds`.
    """
    return load_backgrounds(config, audio) if field_snr_db(config) is not None else None


def field_mixer(config: TrainConfig, audio: AudioData) -> Mixer | None:
    """What lays clips into backgrounds, in windows of up to `config.clip_seconds`; None as `field_backgrounds`."""
    snr_db, backgrounds = field_snr_db(config), field_backgrounds(config, audio)
    if snr_db is None or backgrounds is None:
        return None
    return Mixer(backgrounds, snr_db, round(config.clip_seconds * audio.sampling_rate), config.seed)


def in_the_field(config: TrainConfig, audio: AudioData) -> AudioData:
    """The data with `config.noisy_copies` of each training and validation clip in background behind the clean ones,
    and stretches of background alone among the negatives; unchanged for a run that does not train for the field.

    Raises:
        DataError: as `load_backgrounds`.
    """
    mixer = field_mixer(config, audio)
    if mixer is None:
        return audio

    def copied(clips: Clips) -> Clips:
        return with_copies(clips, mixer, config.noisy_copies) if len(clips) and config.noisy_copies else clips

    return dataclasses.replace(
        audio, train=copied(audio.train), validation=copied(audio.validation), negatives=negatives(audio, mixer)
    )


def negatives(audio: AudioData, mixer: Mixer) -> Clips:
    """The data's own clips of no class, then stretches of background alone, about a third as many as training clips."""
    count = min(MOST_BACKGROUNDS, max(10, len(audio.train) // 3))
    return JoinedClips([audio.negatives, BackgroundClips(mixer, count, audio.negatives)])
