"""What the Publish tab says of a model, of who looks at it, and of how a push ended. No page."""

import re

from audiocls.inference.classifier import AudioClassifier
from audiocls.ui.card import escaped
from audiocls.ui.model.files import ModelFiles
from audiocls.ui.publish.publication import Publication
from audiocls.ui.serving.visitors import Rights, Visitor
from audiocls.ui.texts import publish as texts

LONGEST_NAME = 60


def why_not(rights: Rights, classifier: AudioClassifier, visitor: Visitor | None, *, of_any_model: bool = False) -> str:
    """Why this model cannot be published by a visitor; empty where it can.

    Args:
        visitor: None before it is known who looks; then what anybody could do here.
        of_any_model: leave the model out of it.
    """
    may = rights.may_publish(visitor) if visitor else rights.local or rights.publish
    if not may:
        return texts.PUBLISH_NOT_YOU
    if of_any_model:
        return ""
    if classifier.folder is None:
        return texts.PUBLISH_NO_FOLDER
    return texts.PUBLISH_NOT_HERE if ModelFiles(classifier).of_the_hub else ""


def proposed_name(classifier: AudioClassifier) -> str:
    """The model's own name as the Hub allows it (letters, digits, single - _ . within); empty for one of the Hub."""
    if ModelFiles(classifier).of_the_hub:
        return ""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", classifier.name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])
    name = re.sub(r"([-.])[-.]+", r"\1", name)[:LONGEST_NAME].strip("-.")
    return re.sub(r"\.git$", "", name)


def outcome(publication: Publication, private: bool) -> str:
    """How a push ended, in Markdown."""
    pushed = publication.pushed
    if pushed is None:
        problem = publication.problem or texts.PUBLISH_BROKEN
        return texts.NOT_PUBLISHED.format(problem=escaped(problem)) if problem != texts.PUBLISH_STOPPED else problem
    told = [texts.PUBLISHED.format(repo_id=pushed.repo_id, url=pushed.url, private=texts.PUBLISHED_PRIVATE * private)]
    if pushed.proof is not None and pushed.proof.ok:
        difference = pushed.proof.largest_difference or 0.0
        told.append(texts.PROVED.format(clips=pushed.proof.clips, difference=difference, seconds=pushed.proof.seconds))
    for text, url in ((texts.PUBLISHED_SPACE, pushed.space_url), (texts.PUBLISHED_DATA, pushed.dataset_url)):
        if url:
            told.append(text.format(name=pushed.repo_id, url=url))
    return "\n\n".join(told)
