"""The tab that publishes the model that is open on the Hub: a form, the lines that `push` tells, a link.

Whose login it uses: a visitor's token, held for the one call; on a Space with `hf_oauth`, the visitor's sign-in. This
machine's own login, and its files, are only for who sits at it. Who may, and what, is looked at in every call, whatever
the page shows. The page asks the Hub for nothing before the tab is looked at.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import gradio as gr
from gradio.context import get_render_context

from audiocls.errors import AudioclsError, HubError
from audiocls.inference.classifier import AudioClassifier
from audiocls.publishing.options import PushOptions
from audiocls.ui.card import escaped
from audiocls.ui.context import AppContext, Navigation, Tab
from audiocls.ui.publish.login import can_sign_in, own_login, usable_token
from audiocls.ui.publish.publication import Publication
from audiocls.ui.publish.words import outcome, proposed_name, why_not
from audiocls.ui.serving.visitors import Visitor
from audiocls.ui.texts import publish as texts

LOOK_SECONDS = 0.2  # between two looks at what a push has told
# gradio writes autocomplete="" into password fields, whatever it is told.
NO_AUTOCOMPLETE = """() => {
    const set = (left) => {
        const field = document.querySelector("#publish-token input");
        if (field) field.setAttribute("autocomplete", "off"); else if (left) requestAnimationFrame(() => set(left - 1));
    };
    set(600);
}"""
_PLAIN = gr.InputHTMLAttributes(autocapitalize="none", autocorrect="off", spellcheck=False)


class Fields(NamedTuple):
    """What the visitor fills in, in the order of the event's arguments."""

    name: gr.Textbox
    licence: gr.Dropdown
    private: gr.Checkbox
    space: gr.Checkbox
    examples: gr.Checkbox
    data: gr.Textbox
    token: gr.Textbox


class Outcome(NamedTuple):
    """What stands below the form. published: the name of what was pushed."""

    button: gr.Button
    stop: gr.Button
    result: gr.Markdown
    open: gr.Button
    lines: gr.Textbox
    published: gr.State


def build(context: AppContext, navigation: Navigation, classifier: AudioClassifier) -> Tab:
    """Add the tab to the Blocks that are being built."""
    local, sign_in = context.rights.local, can_sign_in()
    about = gr.Markdown(elem_id="publish-about")
    with gr.Column(visible=False, elem_id="publish") as form:
        if sign_in:
            gr.LoginButton()
        login = gr.Markdown(visible=local, elem_id="publish-login")
        fields, below = lay_out_fields(local, sign_in), lay_out_outcome()
    about.value, form.visible, fields.name.value = first_look(context, classifier)
    desk = Desk(context, fields, below, sign_in)

    quiet: dict[str, Any] = {"api_visibility": "private"}
    tab = get_render_context()
    if isinstance(tab, gr.Tab):
        tab.select(None, js=NO_AUTOCOMPLETE, **quiet)
        if local:
            tab.select(desk.whose, None, login, show_progress="hidden", **quiet)
    below.button.click(
        desk.publish,
        [*fields, navigation.chosen],
        [fields.token, *below],
        concurrency_limit=1,
        show_progress="minimal",
        show_progress_on=[below.lines],
        **quiet,
    )
    unseen: dict[str, Any] = quiet | {"show_progress": "hidden"}
    below.stop.click(desk.stop, None, below.stop, concurrency_limit=None, **unseen)
    below.open.click(desk.open_published, below.published, [navigation.picker, navigation.tabs], **unseen)
    return Tab([about, form, fields.name, below.result, below.open], desk.show)


class Desk:
    """What the tab's events do."""

    def __init__(self, context: AppContext, fields: Fields, below: Outcome, sign_in: bool) -> None:
        self._context, self._fields, self._below, self._sign_in = context, fields, below, sign_in
        self._running: dict[str | None, Publication] = {}  # by session

    async def publish(
        self,
        name: str,
        licence: str | None,
        private: bool,
        space: bool,
        examples: bool,
        data: str,
        token: str,
        chosen: str,
        signed_in: gr.OAuthToken | None,
        request: gr.Request,
    ) -> AsyncIterator[dict[Any, Any]]:
        yield begun(self._fields, self._below)
        given = token or (signed_in.token if self._sign_in and signed_in else "")
        publication = None
        try:
            model, key = checked(self._context, chosen, bool((data or "").strip()), given, self._sign_in, request)
            options = PushOptions(
                private=bool(private),
                license=str(licence or "").strip() or None,
                space=bool(space),
                examples=bool(examples),
                dataset=(data or "").strip() or None,
            )
            publication = self._running[request.session_hash] = Publication(model)
            publication.start((name or "").strip(), options, key)
            async for lines in told_so_far(publication):
                yield {self._below.lines: lines}
            said = outcome(publication, bool(private))
        except AudioclsError as error:
            said = texts.NOT_PUBLISHED.format(problem=escaped(str(error)))
        except gr.Error as error:
            said = texts.NOT_PUBLISHED.format(problem=escaped(str(error.message)))
        finally:
            self._running.pop(request.session_hash, None)
        yield ended(self._below, publication, said, self._context.visitor(request).local)

    def stop(self, request: gr.Request) -> Any:
        if publication := self._running.get(request.session_hash):
            publication.stop()
        return gr.Button(texts.PUBLISH_STOPPING, interactive=False)

    def open_published(self, published: str, request: gr.Request) -> tuple[Any, Any]:
        """The model as it is on the Hub now, in this app; the picker sees to who may."""
        choices = self._context.shelf.choices(self._context.visitor(request))
        return gr.Dropdown(choices, value=published), gr.Tabs(selected="classify")

    def whose(self, request: gr.Request) -> str:
        return own_login() if self._context.visitor(request).local else ""

    def show(self, model: AudioClassifier, visitor: Visitor) -> list[Any]:
        """The tab for another model: what was published before is no longer told."""
        reason = why_not(self._context.rights, model, visitor)
        return [
            gr.Markdown(reason or texts.PUBLISH_ABOUT.format(name=escaped(model.name))),
            gr.Column(visible=not reason),
            gr.Textbox(value=proposed_name(model)),
            gr.Markdown(visible=False),
            gr.Button(visible=False),
        ]


def first_look(context: AppContext, classifier: AudioClassifier) -> tuple[str, bool, str]:
    """What the tab says, whether it has its form, and the name in it, before it is known who looks."""
    reason = why_not(context.rights, classifier, None)
    return reason or texts.PUBLISH_ABOUT.format(name=escaped(classifier.name)), not reason, proposed_name(classifier)


def checked(
    context: AppContext, chosen: str, with_data: bool, given: str, sign_in: bool, request: gr.Request
) -> tuple[AudioClassifier, str]:
    """The model to publish and the token to do it with.

    Raises:
        HubError: this visitor may not, may not with this data, or has no token; or the model is of the Hub.
        gr.Error: there is no such model for this visitor.
    """
    visitor = context.visitor(request)
    if reason := why_not(context.rights, context.shelf.first, visitor, of_any_model=True):
        raise HubError(reason)
    if with_data and not visitor.local:
        raise HubError(texts.NO_DATA_HERE)
    token = usable_token(given, visitor.local, sign_in)
    classifier = context.classifier(chosen, request)
    if reason := why_not(context.rights, classifier, visitor):
        raise HubError(reason)
    return classifier, token


async def told_so_far(publication: Publication) -> AsyncIterator[str]:
    """All lines of a push whenever there are more of them, until it has ended."""
    shown = 0
    while not publication.ended:
        await asyncio.sleep(LOOK_SECONDS)
        if len(publication.lines) > shown:
            shown = len(publication.lines)
            yield "\n".join(publication.lines)


def begun(fields: Fields, below: Outcome) -> dict[Any, Any]:
    """The page while a push goes on: without the token."""
    return {
        fields.token: "",
        below.lines: gr.Textbox("", visible=True),
        below.result: gr.Markdown(visible=False),
        below.open: gr.Button(visible=False),
        below.button: gr.Button(interactive=False),
        below.stop: gr.Button(texts.PUBLISH_STOP, interactive=True, visible=True),
    }


def ended(below: Outcome, publication: Publication | None, said: str, local: bool) -> dict[Any, Any]:
    """The page after a push; who may name any model of the Hub here is offered to open it."""
    lines = publication.lines if publication else []
    pushed = publication.pushed if publication else None
    return {
        below.lines: gr.Textbox("\n".join(lines), visible=bool(lines)),
        below.result: gr.Markdown(said, visible=True),
        below.open: gr.Button(
            texts.PUBLISH_OPEN.format(name=pushed.repo_id if pushed else ""), visible=pushed is not None and local
        ),
        below.published: pushed.repo_id if pushed else "",
        below.button: gr.Button(interactive=True),
        below.stop: gr.Button(visible=False),
    }


def lay_out_fields(local: bool, sign_in: bool) -> Fields:
    with gr.Row():
        name = gr.Textbox(
            label=texts.PUBLISH_NAME,
            info=texts.PUBLISH_NAME_INFO,
            placeholder="me/my-sounds",
            max_length=200,
            elem_id="publish-name",
            html_attributes=_PLAIN,
        )
        licence = gr.Dropdown(
            list(texts.LICENCES.items()),
            value="",
            label=texts.PUBLISH_LICENCE,
            info=texts.PUBLISH_LICENCE_INFO,
            allow_custom_value=True,
            elem_id="publish-licence",
        )
    with gr.Row(elem_id="publish-boxes"):
        private = gr.Checkbox(label=texts.PUBLISH_PRIVATE, elem_id="publish-private")
        space = gr.Checkbox(label=texts.PUBLISH_SPACE, elem_id="publish-space")
        examples = gr.Checkbox(True, label=texts.PUBLISH_EXAMPLES, elem_id="publish-examples")
    with gr.Row():
        data = gr.Textbox(
            label=texts.PUBLISH_DATA,
            info=texts.PUBLISH_DATA_INFO,
            placeholder="data/my_sounds",
            visible=local,
            elem_id="publish-data",
            html_attributes=_PLAIN,
        )
        token = gr.Textbox(
            type="password",
            label=texts.PUBLISH_TOKEN,
            info=texts.PUBLISH_TOKEN_INFO + (texts.PUBLISH_TOKEN_OR_OWN if local else ""),
            placeholder="hf_...",
            max_length=500,
            visible=not sign_in,
            elem_id="publish-token",
        )
    return Fields(name, licence, private, space, examples, data, token)


def lay_out_outcome() -> Outcome:
    with gr.Row():
        button = gr.Button(texts.PUBLISH_BUTTON, variant="primary", elem_id="publish-button")
        stop = gr.Button(texts.PUBLISH_STOP, variant="secondary", visible=False, elem_id="publish-stop")
    result = gr.Markdown(visible=False, elem_id="publish-result")
    opened = gr.Button("", visible=False, elem_id="publish-open")
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
    return Outcome(button, stop, result, opened, lines, gr.State(""))
