"""The part of the page that publishes the app's model on the Hub: a form, the lines that `push` tells, a link.

Whose login it uses: a visitor's token, held for the one call; on a Space with `hf_oauth`, the visitor's sign-in. This
machine's own login, and its files, are only for who sits at it: that is looked at in every call, whatever the page
shows. The page asks the Hub for nothing before this part is opened.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import gradio as gr

from audiocls.errors import AudioclsError, HubError
from audiocls.inference.classifier import AudioClassifier
from audiocls.publishing.options import PushOptions
from audiocls.ui.card import escaped
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.publication import Publication
from audiocls.ui.texts import publish as texts
from audiocls.ui.visitors import sent_from_here

LOOK_SECONDS = 0.2  # between two looks at what a push has told
# gradio writes autocomplete="" into password fields, whatever it is told.
NO_AUTOCOMPLETE = """() => {
    const set = () => {
        const field = document.querySelector("#publish-token input");
        if (field) field.setAttribute("autocomplete", "off"); else requestAnimationFrame(set);
    };
    set();
}"""
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


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    publish_panel(classifier, local=context.rights.local)
    return Tab()


def publish_panel(classifier: AudioClassifier, *, local: bool = False) -> None:
    """Add the part to the Blocks that are being built.

    Args:
        local: the app listens on this machine only and is not shared, so whoever sits at it may use its login.
    """
    if classifier.folder is None or classifier.folder.parent.name == "snapshots":  # of the Hub's cache
        with gr.Accordion(texts.PUBLISH, open=False, elem_id="publish"):
            gr.Markdown(texts.PUBLISH_NOT_HERE)
        return
    sign_in = can_sign_in()
    running: dict[str | None, Publication] = {}  # by session

    def whose(request: gr.Request) -> str:
        return own_login() if local and sent_from_here(request) else ""

    async def publish(
        name: str,
        licence: str | None,
        private: bool,
        space: bool,
        examples: bool,
        data: str,
        token: str,
        signed_in: gr.OAuthToken | None,
        request: gr.Request,
    ) -> AsyncIterator[dict[Any, Any]]:
        yield {
            token_field: "",
            lines: gr.Textbox("", visible=True),
            result: gr.Markdown(visible=False),
            button: gr.Button(interactive=False),
            stop_button: gr.Button(texts.PUBLISH_STOP, interactive=True, visible=True),
        }
        publication = running[request.session_hash] = Publication(classifier)
        shown = 0
        try:
            own = local and sent_from_here(request)
            if not own and (data or "").strip():
                raise HubError(texts.NO_DATA_HERE)
            chosen = token or (signed_in.token if sign_in and signed_in else "")
            options = PushOptions(
                private=bool(private),
                license=str(licence or "").strip() or None,
                space=bool(space),
                examples=bool(examples),
                dataset=(data or "").strip() or None,
            )
            publication.start((name or "").strip(), options, usable_token(chosen, own, sign_in))
            while not publication.ended:
                await asyncio.sleep(LOOK_SECONDS)
                if len(publication.lines) > shown:
                    shown = len(publication.lines)
                    yield {lines: "\n".join(publication.lines)}
            told = outcome(publication, bool(private))
        except AudioclsError as error:
            told = texts.NOT_PUBLISHED.format(problem=escaped(str(error)))
        finally:
            running.pop(request.session_hash, None)
        yield {
            lines: gr.Textbox("\n".join(publication.lines), visible=bool(publication.lines)),
            result: gr.Markdown(told, visible=True),
            button: gr.Button(interactive=True),
            stop_button: gr.Button(visible=False),
        }

    def stop(request: gr.Request) -> Any:
        if publication := running.get(request.session_hash):
            publication.stop()
        return gr.Button(texts.PUBLISH_STOPPING, interactive=False)

    with gr.Accordion(texts.PUBLISH, open=False, elem_id="publish") as part:
        gr.Markdown(texts.PUBLISH_ABOUT)
        if sign_in:
            gr.LoginButton()
        login = gr.Markdown(visible=local, elem_id="publish-login")
        with gr.Row():
            name_field = gr.Textbox(
                label=texts.PUBLISH_NAME,
                info=texts.PUBLISH_NAME_INFO,
                placeholder=f"me/{classifier.name}",
                max_length=200,
                elem_id="publish-name",
                html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
            )
            licence_field = gr.Dropdown(
                list(texts.LICENCES.items()),
                value="",
                label=texts.PUBLISH_LICENCE,
                info=texts.PUBLISH_LICENCE_INFO,
                allow_custom_value=True,
                elem_id="publish-licence",
            )
        with gr.Row(elem_id="publish-boxes"):
            private_box = gr.Checkbox(label=texts.PUBLISH_PRIVATE, elem_id="publish-private")
            space_box = gr.Checkbox(label=texts.PUBLISH_SPACE, elem_id="publish-space")
            examples_box = gr.Checkbox(True, label=texts.PUBLISH_EXAMPLES, elem_id="publish-examples")
        with gr.Row():
            data_field = gr.Textbox(
                label=texts.PUBLISH_DATA,
                info=texts.PUBLISH_DATA_INFO,
                placeholder="data/my_sounds",
                visible=local,
                elem_id="publish-data",
                html_attributes=gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False),
            )
            token_field = gr.Textbox(
                type="password",
                label=texts.PUBLISH_TOKEN,
                info=texts.PUBLISH_TOKEN_INFO + (texts.PUBLISH_TOKEN_OR_OWN if local else ""),
                placeholder="hf_...",
                max_length=500,
                visible=not sign_in,
                elem_id="publish-token",
            )
        with gr.Row():
            button = gr.Button(texts.PUBLISH_BUTTON, variant="primary", elem_id="publish-button")
            stop_button = gr.Button(texts.PUBLISH_STOP, variant="secondary", visible=False, elem_id="publish-stop")
        result = gr.Markdown(visible=False, elem_id="publish-result")
        lines = gr.Textbox(
            label=texts.PUBLISH_LINES,
            placeholder=texts.PUBLISH_BEGINS,
            lines=4,
            max_lines=40,
            interactive=False,
            visible=False,
            buttons=["copy"],
            elem_id="publish-lines",
        )

    if not sign_in:
        part.expand(None, js=NO_AUTOCOMPLETE, api_visibility="private")
    if local:
        part.expand(whose, None, login, api_visibility="private", show_progress="hidden")
    button.click(
        publish,
        [name_field, licence_field, private_box, space_box, examples_box, data_field, token_field],
        [token_field, lines, result, button, stop_button],
        api_visibility="private",
        concurrency_limit=1,
        show_progress="minimal",
        show_progress_on=[lines],
    )
    stop_button.click(stop, None, stop_button, api_visibility="private", show_progress="hidden", concurrency_limit=None)


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
