"""A file as it is, block by block: its own sampling rates, all of its channels. Nothing is kept in memory.

What libsndfile cannot read, or would silently leave half unread, is read otherwise: every link of a chained Ogg file by
itself, MP3 and FLAC whose length no header tells by FFmpeg's libraries. So rate and channels may change on the way.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from audiocls.audio.decoding import (
    BLOCK_FRAMES,
    SLACK_FRAMES,
    Source,
    check_rate,
    display_name,
    header_promises_more,
    next_block,
    ogg_cut,
    opened_source,
    tells_its_length,
)
from audiocls.audio.joined_files import FilePart, ogg_links
from audiocls.errors import AudioReadError


class NativeBlocks:
    """Iterate over (rate in Hz, float32 (frames, channels)); full scale is 1.0.

    Args:
        source: a path, bytes or a seekable binary file, which is read from its start.
        block_seconds: about how much sound a block holds; None for half a million frames.

    Attributes, known from the first block on:
        expected_seconds: what headers promise, None where they do not tell.
        format: container and coding, such as "WAV PCM_16".
        cut: whether the sound ends before its headers say or breaks off; final after the last block.

    Raises:
        AudioReadError: while iterating: missing, empty, no audio, no samples at all, or a header that cannot be true.
            What came before damage has been given by then.
    """

    def __init__(self, source: Source, block_seconds: float | None = None) -> None:
        self.name = display_name(source)
        self.expected_seconds: float | None = None
        self.format = ""
        self.cut = False
        self._source, self._block_seconds = source, block_seconds

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        given = False
        with opened_source(self._source) as (name, opened):
            for rate, block in self._blocks(name, opened):
                check_rate(name, rate)
                given = given or len(block) > 0
                yield rate, block
        if not given:
            raise AudioReadError(name, "the sound in it is damaged" if self.cut else "the file holds no samples")

    def _blocks(self, name: str, opened: str | BinaryIO) -> Iterator[tuple[int, np.ndarray]]:
        try:
            file = soundfile.SoundFile(opened)
        except (soundfile.LibsndfileError, TypeError, ValueError):  # TypeError: *.raw, whose format no header tells
            yield from self._av_blocks(name, opened)
            return
        with file:
            self.format = f"{file.format} {file.subtype}"
            check_rate(name, file.samplerate)
            links = ogg_links(opened) if file.format == "OGG" else []
            if len(links) > 1:
                yield from self._linked_blocks(opened, links)
                return
            if tells_its_length(file, opened):
                self.expected_seconds = file.frames / file.samplerate
                yield from self._soundfile_blocks(file)
                self.cut = self.cut or (file.format == "OGG" and ogg_cut(opened))
                return
            known = file.format.lower()
        yield from self._av_blocks(name, opened, known)

    def _soundfile_blocks(self, file: soundfile.SoundFile) -> Iterator[tuple[int, np.ndarray]]:
        promised, num_frames, failed = file.frames, 0, False
        at_once = self._frames(file.samplerate)
        while not failed and num_frames < promised:
            block, failed = next_block(file, at_once)
            if len(block) == 0:
                break
            num_frames += len(block)
            yield file.samplerate, block
        self.cut = self.cut or failed or num_frames < promised - SLACK_FRAMES or header_promises_more(file)

    def _linked_blocks(self, opened: str | BinaryIO, links: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        """The links of a chained Ogg file, one after the other; one that cannot be read is left out."""
        parts = [FilePart(opened, start, stop) for start, stop in zip(links, [*links[1:], None], strict=True)]
        try:
            seconds = 0.0
            for part in parts:
                try:
                    with soundfile.SoundFile(part) as file:
                        seconds += file.frames / file.samplerate
                except soundfile.LibsndfileError:
                    self.cut = True
            self.expected_seconds = seconds
            for part in parts:
                part.seek(0)
                try:
                    with soundfile.SoundFile(part) as file:
                        yield from self._soundfile_blocks(file)
                except soundfile.LibsndfileError:
                    continue
                self.cut = self.cut or ogg_cut(part)  # type: ignore[arg-type]
        finally:
            for part in parts:
                part.close()

    def _av_blocks(
        self, name: str, opened: str | BinaryIO, container_format: str | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        from audiocls.audio import av_decoding

        _, _, self.expected_seconds, self.format = av_decoding.probe(name, opened, container_format)
        for rate, _, block in av_decoding.blocks(name, opened, self._block_seconds, container_format):
            if block is None:
                self.cut = True
                return
            yield rate, block

    def _frames(self, rate: int) -> int:
        return BLOCK_FRAMES if self._block_seconds is None else max(1, round(self._block_seconds * rate))
