"""Hearing many recordings in threads, and the tables and the summary of what was heard."""

import dataclasses
import itertools
import os
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import torch
from threadpoolctl import threadpool_limits

from audiocls.corpus.hearing import Job, hear
from audiocls.corpus.parts import FAILED, Part
from audiocls.corpus.progress import Progress
from audiocls.corpus.run_record import SUMMARY_PNG
from audiocls.corpus.summary import Corpus
from audiocls.corpus.summary_picture import write_summary_picture
from audiocls.corpus.tables import write_scores, write_tables
from audiocls.recordings.finding import shown_path

# The tables are renewed while a run goes on, but that shall take no more than this share of its time.
RENEWAL_SECONDS = 20.0
RENEWAL_SHARE = 0.02
LOOK_SECONDS = 0.25  # between two looks at what the threads have done


class Listening:
    """The recordings of one call.

    any_heard: whether the tables lack something that was heard in this call.

    Args:
        asked: the recordings that the call names. earlier: those of earlier calls that stay in the tables.
        all_labels: of the model, the columns of scores.parquet.
    """

    def __init__(self, job: Job, asked: Sequence[str], earlier: Sequence[str], all_labels: Sequence[str]) -> None:
        self.job, self.asked = job, asked
        self.recordings = sorted([*asked, *earlier], key=os.fsencode)
        self.any_heard = False
        self._all_labels = all_labels
        self._renewed, self._renewal_took = time.monotonic(), 0.0

    def hear_all(self, paths: Sequence[str], workers: int, progress: Progress, renew: bool) -> None:
        """Hear these recordings, beginning with the first; the tables are renewed from time to time if `renew`.

        The threads share the model: its batches run outside Python's lock. With fewer recordings than threads, several
        batches of one are worked on side by side. torch has one core in each, for on more it would add up in another
        order and last digits would depend on how many recordings are left.

        Raises:
            OutputError: something cannot be written.
        """
        if not paths:
            return
        torch_threads = torch.get_num_threads()
        workers = max(1, min(workers, len(paths)))
        self.job = dataclasses.replace(self.job, num_threads=max(1, torch_threads // workers))
        pool = ThreadPoolExecutor(workers, "hear", initializer=torch.set_num_threads, initargs=(1,))
        todo = iter(paths)
        running: set[Future[None]] = set()
        with threadpool_limits(1, "blas"):
            try:
                running |= {pool.submit(self._hear, path, progress) for path in itertools.islice(todo, 2 * workers)}
                while running:
                    done, running = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        future.result()
                        self.any_heard = True
                    running |= {pool.submit(self._hear, path, progress) for path in itertools.islice(todo, len(done))}
                    progress.show()
                    if renew and self.any_heard:
                        self._renew()
            finally:  # Ctrl-C, or a full disk: what is being heard stops at its next block
                self.job.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                self.job.stop.clear()
                torch.set_num_threads(torch_threads)

    def write_tables(self) -> Corpus:
        """Write events.csv, results.csv and the like of all recordings that are done, and sum them up."""
        corpus = Corpus(self.job.output_dir, self.job.labels, asked=len(self.asked))
        asked = set(self.asked)

        def use(part: Part, clock: str) -> None:
            corpus.add(part, clock)
            if part.status == FAILED and part.recording in asked:
                corpus.failed.append((shown_path(part.recording), part.reason))

        write_tables(self.job.output_dir, self.recordings, self.job.labels, "json" in self.job.exports, use)
        return corpus

    def finish(self, scores: bool, pictures: bool) -> Corpus:
        """Write all tables and the picture of the whole."""
        corpus = self.write_tables()
        if scores:
            write_scores(self.job.output_dir, self.recordings, self._all_labels)
        if pictures:
            write_summary_picture(corpus, self.job.output_dir / SUMMARY_PNG)
        return corpus

    def _hear(self, path: str, progress: Progress) -> None:
        hear(path, self.job, progress.begin, progress.advance)
        progress.finish(path)

    def _renew(self) -> None:
        began = time.monotonic()
        if began - self._renewed > max(RENEWAL_SECONDS, self._renewal_took / RENEWAL_SHARE):
            self.write_tables()
            self._renewed = time.monotonic()
            self._renewal_took = self._renewed - began
