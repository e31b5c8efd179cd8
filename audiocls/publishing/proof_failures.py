"""Why a proof failed, in one line for a person: from the names and messages of the errors in the fresh process."""

from collections.abc import Mapping, Sequence

from audiocls.card.text import one_line

LONGEST = 300  # characters of a reason; libraries print whole tracebacks into a message
# Errors of huggingface_hub and httpx that need no words of their own.
_WORDS = {
    "GatedRepoError": "{name} is gated, and this login has no access to it",
    "RepositoryNotFoundError": "there is no model {name} on the Hub, or it is private and this login cannot see it",
    "RevisionNotFoundError": "{name} has no revision {revision} on the Hub",
    "OfflineModeIsEnabled": "the Hub cannot be reached: huggingface_hub is set to work offline",
    "ConnectError": "the Hub cannot be reached",
    "ConnectTimeout": "the Hub cannot be reached",
    "ReadTimeout": "the Hub does not answer",
    "RemoteProtocolError": "the Hub broke off the connection",
}


class Failure(Exception):
    """A step of a proof failed; the text says which and why."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step} failed: {one_line(reason)}")


def reason_of(errors: Sequence[Sequence[str]], repo_id: str, revision: str | None) -> str:
    """Why, from errors as pairs (type, message), each followed by its cause."""
    for name, _ in errors:
        if name in _WORDS:
            return _WORDS[name].format(name=repo_id, revision=revision)
    if any("No space left" in message or "os error 28" in message for _, message in errors):
        return (
            "the disk of the folder for temporary files is full; free some room, or set TMPDIR to a folder that has it"
        )
    name, message = errors[0]
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return name
    # where a message holds the tracebacks of what was tried, the first one's last line says what went wrong
    for number, line in enumerate(lines):
        if line.startswith("Traceback (most recent call last)"):
            ends = [each for each in lines[number + 1 :] if _is_end_of_traceback(each)]
            return ends[0] if ends else lines[0]
    return lines[0]


def _is_end_of_traceback(line: str) -> bool:
    name, colon, _ = line.partition(":")
    return bool(colon) and name.replace(".", "").isidentifier() and name.endswith(("Error", "Exception"))


def without(text: str, secrets: Mapping[str | None, str]) -> str:
    """The text, no longer than a line should be, with what must not be shown replaced."""
    for secret, instead in secrets.items():
        if secret and secret != "/":  # which is the home of some containers' users
            text = text.replace(secret, instead)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
