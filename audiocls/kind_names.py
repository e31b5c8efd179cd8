"""The kinds of model by name. How each is fitted is in `kinds`."""

import difflib

from audiocls.errors import UsageError

NETWORK_KINDS = ("cnn", "cnn1d", "crnn")  # trained from scratch by gradient descent
TREE_KINDS = ("forest", "boosting")
BACKBONE_KINDS = ("probe", "finetune")  # of a pretrained model, named after a colon
KINDS = (*NETWORK_KINDS, *TREE_KINDS, *BACKBONE_KINDS, "auto")


def parse_model(text: str) -> tuple[str, str | None]:
    """Read "cnn" as ("cnn", None) and "probe:some/model" as ("probe", "some/model").

    Raises:
        UsageError: an unknown kind, or one that lacks its pretrained model or has one it cannot use.
    """
    kind, colon, backbone = text.partition(":")
    if kind not in KINDS:
        meant = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {meant[0]}? " if meant else ""
        raise UsageError(f"model is {text!r}; {hint}The kinds are {', '.join(KINDS)}")
    if kind in BACKBONE_KINDS and not backbone:
        raise UsageError(f"model is {text!r}; say which pretrained model, such as {kind}:whisper-tiny.en")
    if kind not in BACKBONE_KINDS and colon:
        raise UsageError(f"model is {text!r}; {kind} takes nothing after a colon")
    return kind, backbone or None
