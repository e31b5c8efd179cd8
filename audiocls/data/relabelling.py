"""Labels taken out of longer names by a regular expression, such as angry out of OAF_angry and YAF_angry.

Works on what was found, wherever it was found: class folders, a table, the Hub. Files are neither moved nor read.
"""

import dataclasses
import re

from audiocls.data.listing import Listing, Skipped, class_name, folded_name, shown, some
from audiocls.errors import UsageError


def relabel(listing: Listing, expression: str) -> None:
    """Replace each label by what the expression captures in it (its first group, else the whole match), in place.

    Spellings that differ only in case, blanks or Unicode form become one. A clip none of whose labels matches is
    skipped with that reason, and a warning names the labels.

    Raises:
        UsageError: the expression is not valid, or matches no label.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise UsageError(f"label_regex is {expression!r}, not a valid regular expression: {error}") from error
    found = sorted(listing.labels)
    captured = {label: name for label in found if (name := _captured(pattern, label))}
    missed = [label for label in found if label not in captured]
    if not captured:
        raise UsageError(f"label_regex {expression!r} matches none of the labels {some(found, 10)}")
    if missed:
        listing.warnings.append(f"label_regex {expression!r} does not match {some(missed)}; left out")
    new_names = _one_spelling(captured, listing)
    listing.labels = set(new_names.values())
    items = []
    for item in listing.items:
        labels = tuple(dict.fromkeys(new_names[label] for label in item.labels if label in new_names))
        if labels:
            items.append(dataclasses.replace(item, labels=labels))
        else:
            listing.skipped.append(Skipped(item.file, f"label_regex does not match its label {some(item.labels)}"))
    listing.items = items


def _captured(pattern: re.Pattern[str], label: str) -> str:
    """What stands for the label, empty when the expression does not match or captures nothing."""
    match = pattern.search(label)
    return class_name((match.group(1) if pattern.groups else match.group()) or "") if match else ""


def _one_spelling(captured: dict[str, str], listing: Listing) -> dict[str, str]:
    """The new name of each label: as captured, and in lower case where spellings differ."""
    spellings: dict[str, set[str]] = {}
    for name in captured.values():
        spellings.setdefault(folded_name(name), set()).add(name)
    for folded, names in sorted(spellings.items()):
        if len(names) > 1:
            listing.warnings.append(f"label_regex: {', '.join(map(shown, sorted(names)))} count as one class, {folded}")
    return {
        label: folded_name(name) if len(spellings[folded_name(name)]) > 1 else name for label, name in captured.items()
    }
