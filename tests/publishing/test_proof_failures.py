"""What libraries raise becomes one line that a person can act on."""

from types import SimpleNamespace

import pytest
from transformers.pipelines.base import load_model

from audiocls.publishing.proof_failures import LONGEST, Failure, reason_of, without


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([["KeyError", "'x'"]], "'x'"),
        ([["AssertionError", ""]], "AssertionError"),
        ([["ValueError", "\n first \nsecond"]], "first"),
        ([["OSError", "long words"], ["HfHubHTTPError", "401"], ["GatedRepoError", "403"]],
         "me/x is gated, and this login has no access to it"),
        ([["LocalEntryNotFoundError", "long words"], ["ConnectError", "[Errno 111]"]], "the Hub cannot be reached"),
        ([["RevisionNotFoundError", "404"]], "me/x has no revision v1 on the Hub"),
        (
            [["OSError", "Task error: IO Error: No space left on device (os error 28)"]],
            "the disk of the folder for temporary files is full; free some room, or set TMPDIR to a folder that has it",
        ),
    ],
)  # fmt: skip
def test_a_reason_is_short(errors, reason):
    assert reason_of(errors, "me/x", "v1") == reason


def test_of_tracebacks_in_a_message_the_first_error_is_told(tmp_path):
    """As `pipeline` raises them when no class can load a model."""

    class Broken:
        @classmethod
        def from_pretrained(cls, *arguments, **options):
            try:
                raise KeyError("the cause")
            except KeyError:
                raise ValueError("what came of it") from None

    with pytest.raises(ValueError, match="See the original errors") as caught:
        load_model("me/x", SimpleNamespace(architectures=None), (Broken,))
    reason = reason_of([["ValueError", str(caught.value)]], "me/x", None)
    assert reason == "ValueError: what came of it"


def test_secrets_are_replaced_and_lines_kept_short():
    assert without("at /home/x/m with abc", {"abc": "(token)", None: "", "/home/x": "~", "/": "~"}) == (
        "at ~/m with (token)"
    )
    assert len(without("x" * 1000, {})) == LONGEST
    assert str(Failure("load", "two\nlines")) == "load failed: two lines"
