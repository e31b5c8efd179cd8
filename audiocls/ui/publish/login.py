"""With whose token a visitor of the app publishes. Nothing is stored, and no token is part of a message."""

import os
import re
from importlib.util import find_spec

from audiocls.errors import AudioclsError, HubError
from audiocls.ui.card import escaped
from audiocls.ui.texts import publish as texts

_TOKEN = re.compile(r"[\w.~+/=-]+", re.ASCII)
_OAUTH = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
_WRITING_SCOPES = {"contribute-repos", "write-repos", "manage-repos"}


def can_sign_in() -> bool:
    """Whether this is a Space where visitors sign in with the right to write (`hf_oauth: true` in its README).

    Elsewhere gradio would only play a sign-in with this machine's login, and ask the Hub for it at start.
    """
    return (
        os.environ.get("SYSTEM") == "spaces"
        and all(os.environ.get(name) for name in _OAUTH)
        and bool(_WRITING_SCOPES & set(os.environ["OAUTH_SCOPES"].split()))
        and all(find_spec(name) for name in ("authlib", "itsdangerous"))
    )


def own_login() -> str:
    """Whose login this machine has, as the Hub says; in Markdown."""
    from huggingface_hub import get_token

    from audiocls.publishing.login import who_am_i

    token = get_token()
    if not token:
        return texts.NOT_LOGGED_IN
    try:
        return texts.LOGGED_IN.format(user=escaped(str(who_am_i(token, "login")["name"])))
    except AudioclsError as error:
        return texts.LOGGED_IN_UNKNOWN.format(reason=escaped(str(error)))


def usable_token(given: str, own: bool, sign_in: bool) -> str:
    """The visitor's token or, with `own`, this machine's.

    Raises:
        HubError: there is none for this visitor, or it cannot be one.
    """
    from huggingface_hub import get_token

    token = (given or "").strip() or (own and get_token()) or None
    if token is None:
        raise HubError(texts.NO_TOKEN_SIGN_IN if sign_in else texts.NO_TOKEN if own else texts.NO_TOKEN_HERE)
    if not _TOKEN.fullmatch(token):  # else the HTTP library would repeat it in its error
        raise HubError(texts.BAD_TOKEN)
    return token
