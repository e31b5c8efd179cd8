"""How a batch is shown: a bar while it goes on, and how often each answer was given. It makes HTML and nothing else."""

import html
from collections.abc import Sequence

from audiocls.ui.batch.run import Batch
from audiocls.ui.texts import batch as texts

CSS = """
#batch-progress p {margin: 0 0 6px; font-variant-numeric: tabular-nums;}
#batch-progress [role=progressbar] {height: 10px; border-radius: 5px; background: var(--border-color-primary);}
#batch-progress [role=progressbar] div {height: 100%; border-radius: 5px; background: var(--color-accent);}
#batch-summary dl {display: grid; grid-template-columns: minmax(6em, max-content) minmax(0, 1fr) max-content;
    gap: 6px 12px; align-items: center; margin: 0;}
#batch-summary dt {overflow-wrap: anywhere;}
#batch-summary dd {margin: 0; text-align: right; font-variant-numeric: tabular-nums;}
#batch-summary .bar {height: 10px; border-radius: 5px; background: var(--color-accent); min-width: 2px;}
#batch-table .table-wrap * {font-family: var(--font);}
#batch-summary h3 {margin: 0 0 8px; font-size: var(--text-md);}
"""


def progress_bar(batch: Batch) -> str:
    """A bar and how far it is, or how it ended."""
    told = html.escape(batch.told())
    percent = round(100 * batch.share)
    bar = (
        f'<div role="progressbar" aria-label="{texts.PROGRESS_LABEL}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div style="width: {percent}%"></div></div>'
    )
    return f'<p role="status">{told}</p>{"" if batch.ended else bar}'


def summary(counts: Sequence[tuple[str, int]]) -> str:
    """How many files got each answer, with a bar each."""
    most = max((number for _, number in counts), default=1)
    lines = "".join(
        f'<dt>{html.escape(label)}</dt><dd><div class="bar" style="width: {100 * number / most:.1f}%"></div></dd>'
        f"<dd>{number}</dd>"
        for label, number in counts
    )
    return f"<h3>{texts.SUMMARY}</h3><dl>{lines}</dl>"
