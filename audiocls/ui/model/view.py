"""The Model tab's pieces of HTML: facts, clips of a cell, pictures. Nothing of a model is obeyed as HTML."""

import html
from collections.abc import Sequence

from audiocls.ui.card import CONFUSION_MATRIX, PICTURES
from audiocls.ui.limits import SHOWN_CLIP_SCORES, SHOWN_CLIPS, SHOWN_MODEL_LABELS
from audiocls.ui.model.clips import AnsweredClip, ClipSounds
from audiocls.ui.model.facts import fact_rows, labels_title
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.model.matrix import CSS as MATRIX_CSS
from audiocls.ui.texts import model as texts

WIDE = ("leaderboard.png",)
# The buttons that play a clip. Fires `select` with the cell and the number of the clip in it.
PLAY = """
element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-index]");
    if (!button) return;
    for (const each of element.querySelectorAll("button[data-index]"))
        each.setAttribute("aria-pressed", each === button);
    const {row, column, index} = button.dataset;
    trigger("select", {row: Number(row), column: Number(column), index: Number(index)});
});
"""
CSS = (
    """
:is(#model-facts, #model-matrix, #model-clips, #model-pictures),
:is(#model-facts, #model-matrix, #model-clips, #model-pictures) .html-container {padding: 0;}
#model-facts dl {display: grid; grid-template-columns: max-content 1fr; gap: .25em 1em; margin: 0;}
#model-facts dt {color: var(--body-text-color-subdued);}
#model-facts dd {margin: 0; overflow-wrap: anywhere;}
#model-facts .labels span, #model-clips .score {display: inline-block; padding: 0 .5em; margin: 1px 2px 1px 0;
    border-radius: 4px; background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary);}
#model-scores table {display: block; width: max-content; max-width: 100%; overflow-x: auto; border: 0; padding: 0;}
#model-scores :is(th, td) {overflow-wrap: normal; word-break: normal;}
#model-clips ul {list-style: none; padding: 0; margin: 0; max-height: 26em; overflow-y: auto;}
#model-clips li {display: flex; gap: .6em; align-items: flex-start; padding: .35em 2px;
    border-bottom: 1px solid var(--border-color-primary);}
#model-clips li > div {min-width: 0; overflow-wrap: anywhere;}
#model-clips button {cursor: pointer; flex: none; width: 2.6em; height: 2.6em; border-radius: 50%;
    border: 1px solid var(--border-color-primary); background: var(--button-secondary-background-fill);
    color: var(--body-text-color);}
#model-clips button[aria-pressed=true] {border-color: var(--color-accent); border-width: 2px;}
#model-clips button:focus-visible {outline: 3px solid var(--color-accent); outline-offset: 1px;}
#model-clips small {color: var(--body-text-color-subdued);}
#model-pictures .all {display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 1em;}
#model-pictures figure {margin: 0; min-width: 0;}
#model-pictures figure.wide {grid-column: 1 / -1; overflow-x: auto;}
#model-pictures figure.wide img {min-width: 640px; max-width: 100%;}
#model-pictures img {max-width: 100%; height: auto; border-radius: 4px; background: white;}
@media (max-width: 640px) {#model-facts dl {grid-template-columns: 1fr; gap: 0;}
    #model-facts dd {margin-bottom: .4em;}}
"""
    + MATRIX_CSS
)


def facts_html(files: ModelFiles) -> str:
    """What the model is, and its labels, of many only the first at once."""
    rows = "".join(f"<dt>{_q(name)}</dt><dd>{_q(value)}</dd>" for name, value in fact_rows(files))
    labels = [f"<span>{_q(label)}</span>" for label in files.classifier.labels]
    shown = "".join(labels[:SHOWN_MODEL_LABELS])
    if len(labels) > SHOWN_MODEL_LABELS:
        rest = "".join(labels[SHOWN_MODEL_LABELS:])
        shown += f"<details><summary>{_q(labels_title(files))}</summary>{rest}</details>"
    name = _q(texts.FACT_NAMES["labels"])
    return f"<h3>{texts.FACTS}</h3><dl>{rows}<dt>{name} ({len(labels)})</dt><dd class='labels'>{shown}</dd></dl>"


def clips_html(
    title: str, clips: Sequence[AnsweredClip], sounds: ClipSounds, row: int, column: int, unheard: str
) -> str:
    """The clips of one cell, each with what can be heard of it.

    Args:
        unheard: what is said where none of them can be.
    """
    shown = clips[:SHOWN_CLIPS]
    heard = [sounds.find(clip.file) is not None for clip in shown]
    items = "".join(_clip(clip, n, heard[n], row, column) for n, clip in enumerate(shown))
    more = f"<p>{_q(texts.CLIPS_MORE.format(shown=len(shown)))}</p>" if len(clips) > len(shown) else ""
    none = f"<p>{_q(unheard)}</p>" if shown and not any(heard) else ""
    return f"<h4>{_q(title)}</h4>{more}{none}<ul>{items}</ul>"


def _clip(clip: AnsweredClip, number: int, heard: bool, row: int, column: int) -> str:
    best = sorted(clip.scores.items(), key=lambda each: -each[1])[:SHOWN_CLIP_SCORES]
    scores = " ".join(f"<span class='score'>{_q(label)} {score:.0%}</span>" for label, score in best)
    play = ""
    if heard:
        place = f"data-row='{row}' data-column='{column}' data-index='{number}'"
        said = _q(texts.CLIP_PLAY.format(file=clip.file))
        play = f"<button type='button' {place} aria-pressed='false' aria-label='{said}' title='{said}'>▶</button>"
    silent = "" if heard else f" <small>({_q(texts.CLIP_SILENT)})</small>"
    return f"<li>{play}<div><div>{_q(clip.file)}{silent}</div><div>{scores}</div></div></li>"


def pictures_html(files: ModelFiles, *, matrix: bool) -> str:
    """The pictures that are there, each with what it shows.

    Args:
        matrix: with the picture of the confusion matrix, where it cannot be drawn from numbers.
    """
    names = [name for name in PICTURES if matrix or name != CONFUSION_MATRIX]
    figures = [
        f"<figure{' class=wide' * (name in WIDE)}><h4>{_q(texts.PICTURE_TITLES[name])}</h4>"
        f"<img src='{address}' alt='{_q(texts.PICTURES[name])}'></figure>"
        for name in names
        if (address := files.picture(name))
    ]
    return f"<div class='all'>{''.join(figures)}</div>" if figures else ""


def _q(text: str) -> str:
    return html.escape(str(text), quote=True)
