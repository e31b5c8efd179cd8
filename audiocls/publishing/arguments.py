"""The arguments of `audiocls push`, what `train --push_to_hub` shares with it, and the token from standard input."""

import argparse
import sys

from audiocls.arguments import add_fields, given_fields
from audiocls.errors import UsageError
from audiocls.publishing.options import PushOptions, push_settings

DESCRIPTION = """Publish a model on the Hugging Face Hub, and prove it by loading it back.

Checks the model folder, shows what goes up, uploads it in one commit, then loads it in a fresh process by its id and
compares its scores with those here. Pushing again uploads what has changed. What others wrote into the card on the Hub
stays. ID is user/name, or a name alone for your own.

The token is that of `hf auth login` or of the variable HF_TOKEN, or a line on standard input with --token-stdin.
"""
WITH_TRAIN = ("private", "license", "space", "examples")


def add_push_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="RUN", help="model folder")
    parser.add_argument("repo_id", metavar="ID", help="name on the Hub, such as me/my-sounds")
    add_fields(parser, push_settings())
    _add_token(parser)


def add_push_after_training(parser: argparse.ArgumentParser) -> None:
    """--push_to_hub of train, and the options that matter then."""
    group = parser.add_argument_group("publish when the training is done (audiocls push does it later)")
    group.add_argument("--push_to_hub", metavar="ID", help="name on the Hub, such as me/my-sounds")
    add_fields(group, {name: spec for name, spec in push_settings().items() if name in WITH_TRAIN})
    _add_token(group)


def _add_token(arguments: argparse._ActionsContainer) -> None:
    arguments.add_argument(
        "--token-stdin", action="store_true", dest="token_stdin", help="read the token from standard input"
    )


def push_options(arguments: argparse.Namespace) -> PushOptions:
    return PushOptions(**given_fields(arguments, push_settings()))


def given_token(arguments: argparse.Namespace) -> str | None:
    """The token on standard input if --token-stdin asks for it; None leaves it to the Hub's own login.

    Raises:
        UsageError: there is no line on standard input.
    """
    if not arguments.token_stdin:
        return None
    if sys.stdin is not None and sys.stdin.isatty():
        import getpass

        token = getpass.getpass("token: ")
    else:
        token = "" if sys.stdin is None else sys.stdin.readline()
    if not token.strip():
        raise UsageError("--token-stdin: there is no token on standard input")
    return token.strip()
