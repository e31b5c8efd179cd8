"""Starting the app: choose the model, build the page, serve it on this machine only."""

import errno
import io
import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from audiocls.arguments import Parser
from audiocls.errors import AudioclsError, ModelError, UsageError
from audiocls.model_folder import RUNS, newest_run
from audiocls.ui.serving.temporary import temporary_folder
from audiocls.ui.texts import starting as texts

if TYPE_CHECKING:
    from audiocls.inference.classifier import AudioClassifier

LOOK_SECONDS = 0.2
DESCRIPTION = """Try a model in the browser, with the microphone or a file.

It listens on this machine only. Open it to others with --host, and think of --auth.

examples:
  python app.py                             the newest model in runs/
  python app.py --model runs/my_sounds      a model folder
  python app.py --model me/my-sounds@v1     a model on the Hub, of its main branch or of another revision
"""


def build_parser() -> ArgumentParser:
    parser = Parser(prog="app.py", description=DESCRIPTION)
    parser.add_argument("--model", metavar="RUN_OR_ID", help="model folder or Hub id [the newest in runs/]")
    parser.add_argument("--port", type=int, default=7860, metavar="N", help="port to listen on [7860]")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets other machines in [127.0.0.1]"
    )
    parser.add_argument("--share", action="store_true", help="also open a public address through gradio's server")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="let visitors from elsewhere publish the model, too, with tokens of their own",
    )
    parser.add_argument(
        "--train", action="store_true", help="let visitors from elsewhere train models, too, each for himself"
    )
    parser.add_argument(
        "--feedback",
        type=Path,
        metavar="DIR",
        help="keep there what visitors from elsewhere correct, too [only what is corrected at this machine is kept]",
    )
    parser.add_argument("--auth", metavar="FILE", help="ask for a login; the file has a line user:password for each")
    parser.add_argument("--mcp", action="store_true", help="also serve as tools for programs that speak MCP")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, mps [the best there is]")
    parser.add_argument(
        "--trust_remote_code", action="store_true", help="run code that a model from the Hub brings along"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app until Ctrl-C, which ends the process. Known failures print one line and return 1, wrong usage 2."""
    try:
        arguments = build_parser().parse_args(argv)
        check_address(arguments.host, arguments.port)
        from audiocls.ui.serving.accounts import login_check

        options = AppOptions(
            host=arguments.host,
            port=arguments.port,
            share=arguments.share,
            publish=arguments.publish,
            train=arguments.train,
            feedback=arguments.feedback,
            auth=login_check(arguments.auth) if arguments.auth else None,
            mcp=arguments.mcp,
        )
        model = arguments.model or newest_run()
        if model is None:
            raise ModelError(texts.NO_RUN.format(runs=f"{RUNS}/"))
        from audiocls.inference.classifier import AudioClassifier
        from audiocls.ui.card import PICTURES

        classifier = AudioClassifier.from_pretrained(
            model, device=arguments.device, trust_remote_code=arguments.trust_remote_code
        )
        classifier.fetch(PICTURES)
        for note in classifier.notes:
            print(f"audiocls: {note}", file=sys.stderr)
        with temporary_folder(), ExitStack() as ending:
            blocks = launch(classifier, options, device=arguments.device, ending=ending)
            while blocks.is_running:
                time.sleep(LOOK_SECONDS)
    except AudioclsError as error:
        print(f"audiocls: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return end_process()


def end_process() -> NoReturn:
    """End without Python's own last steps: they stop the server's threads wherever they are, and one that computes in
    torch then takes the process down with it ("terminate called without an active exception")."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def check_address(host: str, port: int) -> None:
    """See that the app can listen there, before the model is loaded and the page built.

    Raises:
        UsageError: the port is out of range.
        AudioclsError: it is in use, or the host is no address of this machine.
    """
    if not 1 <= port <= 65535:
        raise UsageError(f"port is {port}; it must lie between 1 and 65535")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AudioclsError(texts.PORT_BUSY.format(port=port, host=host)) from error
        reason = (error.strerror or str(error)).lower()
        raise AudioclsError(texts.CANNOT_LISTEN.format(port=port, host=host, reason=reason)) from error


@dataclass(frozen=True)
class AppOptions:
    """How an app is opened: to this machine alone, unless it is said otherwise.

    share: also through gradio's public address. publish, train: visitors from elsewhere may, too. feedback: the folder
    for their corrections. auth: tells whether a name and a password may enter; None lets everybody in. mcp: the
    endpoints are also tools for programs that speak MCP.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    publish: bool = False
    train: bool = False
    feedback: Path | None = None
    auth: Callable[[str, str], bool] | None = None
    mcp: bool = False


def launch(
    classifier: "AudioClassifier",
    options: AppOptions | None = None,
    device: str | None = None,
    ending: ExitStack | None = None,
) -> Any:
    """Serve the page in a thread of its own and say where it is.

    Args:
        device: where models that are opened from the page compute; the best there is, unless given.
        ending: is given what ends the app, which is more than `close()`: what the tabs have running comes first.

    Returns:
        The running `gradio.Blocks`; `local_url` is its address and `close()` ends it.

    Raises:
        AudioclsError: the port is in use, or the host is no address of this machine.
    """
    options = options or AppOptions()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported and again at launch
    import gradio as gr
    from gradio.utils import get_upload_folder
    from starlette.middleware import Middleware

    from audiocls.inference.classifier import AudioClassifier
    from audiocls.ui.api.tools import serve_tools
    from audiocls.ui.context import AppContext
    from audiocls.ui.page import build_app
    from audiocls.ui.parts import LAUNCH
    from audiocls.ui.serving.accounts import ToolsLogin
    from audiocls.ui.serving.guard import Guard
    from audiocls.ui.serving.queue import QUEUE, SERVER, look_after, prepare, warm_up
    from audiocls.ui.serving.sessions import keep_little
    from audiocls.ui.serving.visitors import Rights, is_loopback
    from audiocls.ui.shelf import ModelShelf

    prepare()
    rights = Rights(is_loopback(options.host) and not options.share, options.publish, options.train)
    shelf = ModelShelf(classifier, load=partial(AudioClassifier.from_pretrained, device=device))
    context = AppContext(shelf, rights, feedback=options.feedback)
    blocks: gr.Blocks = build_app(context)
    if ending is not None:
        ending.callback(blocks.close, verbose=False)
        ending.callback(context.close)
    blocks.queue(**QUEUE)
    warm_up(classifier)
    guard = [Middleware(Guard, login=options.auth is not None, uploads=lambda: Path(get_upload_folder()))]
    if options.auth:
        guard.append(Middleware(ToolsLogin, fits=options.auth))
    try:
        with redirect_stdout(io.StringIO()):  # gradio speaks of MCP even when it is told to be quiet
            blocks.launch(
                server_name=options.host,
                server_port=options.port,
                share=options.share,
                auth=options.auth,
                auth_message=texts.LOGIN if options.auth else None,
                inbrowser=False,
                prevent_thread_lock=True,
                quiet=True,
                app_kwargs={"middleware": guard},
                **(LAUNCH | SERVER | {"mcp_server": options.mcp}),
            )
    except OSError as error:
        raise AudioclsError(texts.PORT_BUSY.format(port=options.port, host=options.host)) from error
    keep_little(blocks)
    look_after(context)
    serve_tools(blocks)
    print(texts.OPEN_AT.format(url=blocks.local_url), flush=True)
    if blocks.share_url:
        print(texts.SHARED_AT.format(url=blocks.share_url), flush=True)
    if options.mcp:
        print(texts.MCP_AT.format(url=f"{blocks.local_url}gradio_api/mcp/"), flush=True)
    return blocks
