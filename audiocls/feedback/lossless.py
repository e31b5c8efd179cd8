"""A sound as given, written without loss: FLAC where its samples are whole numbers of up to 24 bits, else WAV."""

from pathlib import Path

import soundfile

from audiocls.audio.decoding import decode, probe
from audiocls.errors import AudioReadError
from audiocls.whole_files import whole_file

# What FLAC holds as it is, and as which kind of sample.
_WHOLE_NUMBERS = {"PCM_S8": "PCM_S8", "PCM_U8": "PCM_16", "PCM_16": "PCM_16", "PCM_24": "PCM_24"}
_FLAC_CHANNELS = 8
_FLAC_RATE = 655_350


def write_lossless(source: Path, stem: Path) -> Path:
    """Write all of a sound, at its own rate; channels stay where the file is of a kind that libsndfile reads.

    Args:
        source: a file of any format that plays.
        stem: where to, without the ending.

    Returns:
        The file written.

    Raises:
        AudioReadError: the source cannot be read.
        OutputError: the file cannot be written.
    """
    try:
        with soundfile.SoundFile(source) as file:
            subtype = _WHOLE_NUMBERS.get(file.subtype)
            flac = subtype is not None and file.channels <= _FLAC_CHANNELS and file.samplerate <= _FLAC_RATE
            samples, rate = file.read(dtype="int32" if flac else "float32"), file.samplerate
    except (soundfile.LibsndfileError, ValueError):  # ValueError: of FLAC whose length no header tells
        rate = probe(source).sampling_rate
        samples, flac = decode(source, rate), False
    if not len(samples):
        raise AudioReadError(str(source), "it holds no samples")
    path = stem.with_name(stem.name + (".flac" if flac else ".wav"))
    with whole_file(path) as beside:
        kind = {"format": "FLAC", "subtype": subtype} if flac else {"format": "WAV", "subtype": "FLOAT"}
        soundfile.write(beside, samples, rate, **kind)
    return path
