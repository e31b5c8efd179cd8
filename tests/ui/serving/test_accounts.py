"""Accounts for an app that asks for a login: the file, the check, and the tools for MCP behind it."""

import asyncio
import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from audiocls.errors import UsageError
from audiocls.ui.app import main
from audiocls.ui.serving.accounts import ToolsLogin, login_check


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("# who may\n\nanna:a:b c\nzoë:grün\n", encoding="utf-8")
    return path


def test_names_and_passwords_belong_together(users):
    fits = login_check(users)
    assert fits("anna", "a:b c")
    assert fits("zoë", "grün")
    for name, password in [("anna", "grün"), ("anna", ""), ("", ""), ("nobody", ""), ("# who may", ""), ("anna", "a")]:
        assert not fits(name, password)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"anna", "line 1: is not user:password"),
        (b"x:y\n:secret", "line 2: is not user:password"),
        (b"x:", "line 1"),
        (b"x:secret\nx:other", "line 2: this name is there twice"),
        (b"\n# x:y\n", "has no account"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_bad_file_is_told_in_one_line_without_its_passwords(tmp_path, capsys, content, message):
    path = tmp_path / "users.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        login_check(path)
    assert "secret" not in str(caught.value)
    assert main(["--auth", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_tools_ask_for_the_login_themselves(users):
    async def hello(request):
        return PlainTextResponse("hello")

    routes = [Route(path, hello) for path in ("/gradio_api/mcp/schema", "/gradio_api/info")]
    app = Starlette(routes=routes, middleware=[Middleware(ToolsLogin, fits=login_check(users))])

    async def status(path, authorization=None):
        headers = {} if authorization is None else {"Authorization": authorization}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return (await client.get(path, headers=headers)).status_code

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()

    tools = "/gradio_api/mcp/schema"
    for given in (None, "Basic", "Basic ???", "Bearer abc", basic("anna"), basic("anna:wrong"), basic(":")):
        assert asyncio.run(status(tools, given)) == 401, given
    assert asyncio.run(status("/gradio_api/%6dcp/schema")) == 401
    assert asyncio.run(status(tools, basic("anna:a:b c"))) == 200
    assert asyncio.run(status("/gradio_api/info")) == 200  # gradio's own login looks after the others
