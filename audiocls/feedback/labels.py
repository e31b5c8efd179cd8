"""Labels that people type, and the folders that they may name."""

import unicodedata
from collections.abc import Iterable, Sequence

from audiocls.card.examples import file_names
from audiocls.data.listing import folded_name
from audiocls.data.metadata import SEPARATOR
from audiocls.data.negatives import NEGATIVE_NAMES
from audiocls.data.tree import UNSORTED
from audiocls.errors import UsageError
from audiocls.inference.answers import NONE_OF_THESE

NEGATIVE = "_unknown_"  # the label of a sound that is none of the classes
LONGEST_LABEL = 60  # characters


def clean_label(typed: str, known: Iterable[str]) -> str:
    """A label as it is kept: one of the known ones in their spelling, whatever the case typed, or a new one.

    Raises:
        UsageError: it is empty, too long, or has what a label cannot have.
    """
    label = " ".join(unicodedata.normalize("NFC", str(typed)).split())
    if folded_name(label) in (folded_name(NONE_OF_THESE), *NEGATIVE_NAMES):
        return NEGATIVE
    for each in known:
        if folded_name(each) == folded_name(label):
            return each
    if not label:
        raise UsageError("the label is empty; choose one or type a new one")
    if len(label) > LONGEST_LABEL:
        raise UsageError(f"the label has {len(label)} characters; at most {LONGEST_LABEL} are possible")
    if not label.isprintable() or SEPARATOR in label or not any(char.isalnum() for char in label):
        raise UsageError(f"the label needs a letter or digit, and can have no {SEPARATOR} or control characters")
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the label is no valid text; type it anew") from error
    return label


def folder_of(label: str, folders: Sequence[str]) -> str:
    """A name for the folder of a label: safe on every system, and none of those taken, whatever the case."""
    plain = label.replace(".", "-")  # Windows reserves names such as con.x as well
    return file_names([UNSORTED, *folders, plain])[-1].removesuffix(".flac")
