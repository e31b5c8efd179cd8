"""The same clips at every sampling rate that a kind of model needs: in one order and one division."""

import dataclasses
from collections import defaultdict

from audiocls.config import TrainConfig, settings
from audiocls.data.clips import Clips
from audiocls.data.dataset import AudioData, load_audio_data
from audiocls.data.listing import shown
from audiocls.errors import DataError


class Material:
    """A data set, divided once, at any sampling rate.

    Args:
        source: a folder, a zip or a Hub data set id.
        config: its sampling rate, its settings of the group "data" and its seed decide the division.
        audio: what `load_audio_data(source, config)` gave, when it is at hand.

    Raises:
        DataError, UsageError, OutputError: as `load_audio_data`.
    """

    def __init__(self, source: str, config: TrainConfig, audio: AudioData | None = None) -> None:
        self.source = source
        self._settings = {
            name: getattr(config, name)
            for name, spec in settings().items()
            if spec.metadata["group"] == "data" or name == "seed"
        }
        self.audio = audio or load_audio_data(source, config)
        self._at = {self.audio.sampling_rate: self.audio}

    def at(self, sampling_rate: int) -> AudioData:
        """The data at this rate in Hz: the same clips in the same parts and order, with the same groups.

        Raises:
            DataError: a clip that can be used at the first rate cannot at this one.
            OutputError: the cache cannot be written.
        """
        if sampling_rate not in self._at:
            again = load_audio_data(self.source, TrainConfig(sampling_rate=sampling_rate, **self._settings))
            everything = again.train.followed_by(again.validation).followed_by(again.test)
            others = again.negatives.followed_by(again.test_negatives)
            self._at[sampling_rate] = dataclasses.replace(
                self.audio,
                sampling_rate=sampling_rate,
                train=_alike(everything, self.audio.train),
                validation=_alike(everything, self.audio.validation),
                test=_alike(everything, self.audio.test),
                negatives=_alike(others, self.audio.negatives),
                test_negatives=_alike(others, self.audio.test_negatives),
                extra=None
                if again.extra is None or self.audio.extra is None
                else _alike(again.extra, self.audio.extra),
            )
        return self._at[sampling_rate]


def _alike(clips: Clips, wanted: Clips) -> Clips:
    """Of `clips` those with the files of `wanted`, in its order and with its groups."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, file in reversed(list(enumerate(clips.files))):
        rows[file].append(row)
    for file in wanted.files:
        if file not in rows:
            raise DataError(f"{shown(file)} cannot be used at {clips.sampling_rate} Hz, only at {wanted.sampling_rate}")
    found = clips.subset([rows[file].pop() if len(rows[file]) > 1 else rows[file][0] for file in wanted.files])
    found.groups = list(wanted.groups)
    return found
