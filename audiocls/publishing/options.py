"""What can be chosen when a model is published: one dataclass for Python, the command line and the app."""

import dataclasses
from dataclasses import dataclass

from audiocls.settings import check_fields, fields_by_name, setting


@dataclass(frozen=True)
class PushOptions:
    """How a model is published.

    Raises:
        UsageError: a value is out of range; the message names the field, the value and the limit.
    """

    private: bool = setting(False, "push", "new repositories are seen by their owner only")
    license: str | None = setting(
        None, "push", "licence of the model as the Hub names it, such as apache-2.0 or cc-by-4.0", metavar="ID"
    )
    space: bool = setting(False, "push", "also publish an app that serves the model, as a Gradio Space")
    dataset: str | None = setting(
        None, "push", "also publish these labelled sounds (a folder or zip) as a data set", metavar="DATA"
    )
    examples: bool = setting(True, "push", "publish some test clips, which the Hub's page and the Space offer to try")
    revision: str | None = setting(
        None, "push", "branch of the model's repository to write to, made if it is not there", metavar="BRANCH"
    )
    create_pr: bool = setting(
        False, "push", "open a pull request, or add to yours that is open, and change nothing else"
    )
    proof: bool = setting(True, "push", "load the published model in a fresh process and compare its scores")

    def __post_init__(self) -> None:
        check_fields(self)


def push_settings() -> dict[str, dataclasses.Field]:
    """All options by name, in the order of `--help`."""
    return fields_by_name(PushOptions)
