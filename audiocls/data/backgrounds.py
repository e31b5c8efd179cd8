"""Backgrounds: stretches of sound in which nothing of the classes happens, to lay clips into.

They come from the folder of `background_folder`, else from the data's own negatives, and always in part, without
either alone, from noise (`audiocls.data.noise`) shaped like the quiet parts of the training clips.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
import xxhash

from audiocls.audio.decoding import decode, probe, tells_its_length
from audiocls.config import TrainConfig
from audiocls.data.dataset import AudioData
from audiocls.data.listing import shown
from audiocls.data.noise import Noise, noise_of
from audiocls.data.store import content_hash
from audiocls.data.tree import audio_files
from audiocls.errors import AudioReadError, DataError

MOST_SAMPLES = 1 << 25  # kept in memory: 35 minutes at 16 kHz
MOST_FILES = 1000  # of a folder with more, evenly spaced ones are read
STRETCH_SECONDS = 15.0  # read at once of a file that is too long to be kept whole
NOISE_SHARE = 0.25  # of draws where there are recordings too, so that few recordings are not learnt by heart
HEAVIEST_SECONDS = 60.0  # a recording's chance to be drawn grows with its length up to this
SILENT_POWER = 1e-9  # -90 dBFS
ATTEMPTS = 8  # to draw a stretch that is not silent
JOINT_SECONDS = 0.1  # where a short recording meets itself again
LARGEST_COMPARED = 1 << 28  # bytes of a file that is compared with the clips of the data


class Backgrounds:
    """What clips are laid into, at one sampling rate.

    Args:
        recordings: float32 (time,) each; may be none, and may be views of files.
        noise: what is drawn beside or instead of them.
        origin: where they come from, for people.
    """

    def __init__(self, recordings: Sequence[np.ndarray], noise: Noise, origin: str) -> None:
        self.recordings = [recording for recording in recordings if len(recording)]
        self.noise, self.origin = noise, origin
        self.sampling_rate = noise.sampling_rate
        heaviest = HEAVIEST_SECONDS * self.sampling_rate
        weights = np.array([min(len(recording), heaviest) for recording in self.recordings], np.float64)
        self._chances = np.cumsum(weights) / weights.sum() if len(weights) else weights

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what is drawn; tells apart features of clips laid into different backgrounds."""
        digest = xxhash.xxh3_128(self.noise.spectra.tobytes())
        for recording in self.recordings:
            digest.update(np.ascontiguousarray(recording).data)
        return digest.hexdigest()

    def draw(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """A stretch of `length` samples, float32, at its own level and never silent.

        A recording that is shorter goes on with other parts of itself, faded into each other.
        """
        if not self.recordings or rng.random() < NOISE_SHARE:
            return self.noise.draw(length, rng)
        for _ in range(ATTEMPTS):
            number = int(np.searchsorted(self._chances, rng.random(), side="right"))
            stretch = self._stretch(self.recordings[min(number, len(self.recordings) - 1)], length, rng)
            if length and float(np.mean(stretch**2)) > SILENT_POWER:
                return stretch
        return self.noise.draw(length, rng)

    def _stretch(self, recording: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
        """A random part of a recording, prolonged with parts of at least half of it where it is too short."""
        if len(recording) >= length:
            start = int(rng.integers(0, len(recording) - length + 1))
            return np.array(recording[start : start + length])
        joint = max(1, min(round(JOINT_SECONDS * self.sampling_rate), len(recording) // 4))
        rise = np.sin(np.linspace(0, np.pi / 2, joint, dtype=np.float32))
        found, filled = np.zeros(length, np.float32), 0
        while filled < length:
            start = int(rng.integers(0, len(recording) // 2 + 1)) if filled else 0
            part = np.array(recording[start : start + length - max(0, filled - joint)])
            if filled >= joint and len(part) > joint:
                found[filled - joint : filled] *= rise[::-1]
                part[:joint] *= rise
                filled -= joint
            end = min(filled + len(part), length)
            found[filled:end] += part[: end - filled]
            filled = end
        return found


def load_backgrounds(config: TrainConfig, audio: AudioData) -> Backgrounds:
    """The backgrounds of a run: of `config.background_folder`, else of `audio.negatives`, else noise alone.

    Args:
        audio: at its sampling rate; only its training part and its negatives are listened to.

    Raises:
        DataError: the folder is missing or empty, none of its files can be read or all are silent, or a file of it is
            a clip of the data.
    """
    noise = noise_of(audio.train)
    if config.background_folder is not None:
        recordings = folder_recordings(config.background_folder, audio.sampling_rate)
        check_no_clips(config.background_folder, audio)
        return Backgrounds(recordings, noise, f"the recordings in {Path(config.background_folder).name}")
    negatives = [audio.negatives.waveform(index) for index in range(len(audio.negatives))]
    if any(_is_audible(recording) for recording in negatives):
        return Backgrounds(negatives, noise, "the clips that are no class")
    quiet = len(noise.spectra)
    return Backgrounds([], noise, f"noise shaped like quiet parts of {quiet} clips" if quiet else "synthetic noise")


def folder_recordings(folder: str, sampling_rate: int) -> list[np.ndarray]:
    """Sound of every file in a folder, in all at most MOST_SAMPLES at `sampling_rate`: whole files where they fit,
    else stretches from all over a file.

    Raises:
        DataError: no such folder, no audio in it, none of it can be read, or all of it is silent.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise DataError(f"background_folder is {shown(folder)}: no such folder; give one that holds recordings")
    files = list(audio_files(path))
    if not files:
        raise DataError(
            f"background_folder is {shown(folder)}: it holds no audio file; put recordings of the place into it, or "
            "leave it out to use noise"
        )
    kept = [files[at] for at in np.linspace(0, len(files) - 1, min(len(files), MOST_FILES)).astype(int)]
    stamps = tuple((str(file), stat.st_size, stat.st_mtime_ns) for file in kept if (stat := _stat(file)))
    recordings, reason = _read_all(stamps, sampling_rate)
    if not recordings:
        raise DataError(f"background_folder is {shown(folder)}: none of its files can be used; {reason}")
    if not any(_is_audible(recording) for recording in recordings):
        raise DataError(
            f"background_folder is {shown(folder)}: all of it is silent (below -90 dBFS); a background must be heard"
        )
    return list(recordings)


def check_no_clips(folder: str, audio: AudioData) -> None:
    """Refuse backgrounds that are clips of the data, by their content: the events themselves, or clips to test on.

    Clips that are no class (`audio.negatives`) may serve as backgrounds.

    Raises:
        DataError: a file of the folder is such a clip.
    """
    parts = {"test": audio.test, "training": audio.train, "validation": audio.validation}
    parts["test"] = parts["test"].followed_by(audio.test_negatives)
    owners = {
        content: (part, file)
        for part, clips in reversed(parts.items())
        for content, file in zip(clips.contents, clips.files, strict=True)
    }
    same: list[tuple[str, str, str]] = []
    root = Path(folder).expanduser()
    for file in audio_files(root):
        stat = _stat(file)
        if stat is not None and stat.st_size <= LARGEST_COMPARED and (found := owners.get(_content(file) or "")):
            same.append((str(file.relative_to(root)), *found))
    if same:
        name, part, clip = same[0]
        raise DataError(
            f"background_folder is {shown(folder)}: {shown(name)} is {shown(clip)} of the {part} part"
            + (f", and {len(same) - 1} more are clips of the data" if len(same) > 1 else "")
            + "; give a folder of sounds that are no clips of the data"
        )


def _content(file: Path) -> str | None:
    try:
        return content_hash(str(file))
    except OSError:
        return None


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _is_audible(recording: np.ndarray) -> bool:
    return len(recording) > 0 and float(np.mean(recording.astype(np.float64) ** 2)) > SILENT_POWER


@lru_cache(2)  # folds and trials of one command read the same folder
def _read_all(stamps: tuple[tuple[str, int, int], ...], sampling_rate: int) -> tuple[tuple[np.ndarray, ...], str]:
    """Recordings of files, and why the first file that could not be read could not."""
    reason, lengths = "", {}
    for file, _, _ in stamps:
        try:
            seconds = probe(file).seconds
        except AudioReadError as error:
            reason = reason or f"{shown(error.file)}: {error.reason}"
        else:
            lengths[file] = np.inf if seconds is None else seconds * sampling_rate
    most = fair_share(np.array(list(lengths.values())), MOST_SAMPLES)
    recordings: list[np.ndarray] = []
    for file, length in lengths.items():
        try:
            whole = length <= most
            recordings += [decode(file, sampling_rate)] if whole else _stretches(file, sampling_rate, int(most))
        except AudioReadError as error:
            reason = reason or f"{shown(error.file)}: {error.reason}"
    for recording in recordings:
        recording.flags.writeable = False
    return tuple(recordings), reason


def fair_share(lengths: np.ndarray, total: int) -> float:
    """The length to which all are cut so that together they have at most `total`; infinite when nothing is cut."""
    if not len(lengths) or lengths.sum() <= total:
        return np.inf
    ordered = np.sort(lengths)
    below = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    shares = (total - below) / np.arange(len(ordered), 0, -1)
    return float(shares[np.argmax(shares < ordered)])


def _stretches(file: str, sampling_rate: int, length: int) -> list[np.ndarray]:
    """About `length` samples in stretches from all over a long file; its beginning where nothing can be sought."""
    try:
        opened = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError, ValueError):
        return _beginning(file, sampling_rate, length)
    with opened:
        if opened.format != "MP3" and not tells_its_length(opened, file):
            return _beginning(file, sampling_rate, length)
        rate = opened.samplerate
        wanted = int(length / sampling_rate * rate)
        count = max(1, round(wanted / (STRETCH_SECONDS * rate)))
        found = []
        for start in np.linspace(0, max(0, opened.frames - wanted // count), count).astype(int).tolist():
            try:
                opened.seek(start)
                block = opened.read(wanted // count, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                continue  # damaged there
            if len(block) and np.isfinite(block).all():
                found.append(soxr.resample(block.mean(1), rate, sampling_rate, "HQ"))
    return found


def _beginning(file: str, sampling_rate: int, length: int) -> list[np.ndarray]:
    from audiocls.audio import av_decoding

    blocks, filled = [], 0
    for rate, _, block in av_decoding.blocks(file, file):
        if block is None or filled >= length / sampling_rate * rate:
            break
        if np.isfinite(block).all():
            blocks.append(block.mean(1))
            filled += len(block)
    return [soxr.resample(np.concatenate(blocks), rate, sampling_rate, "HQ")] if blocks else []
