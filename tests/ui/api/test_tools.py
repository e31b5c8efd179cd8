"""The endpoints as tools, used by a client that speaks MCP."""

import asyncio
import base64
import json

import httpx
import numpy as np
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from audiocls.cli import main
from tests.small_models import SOUNDS
from tests.ui.api.test_api import ENDPOINTS

FILE = SOUNDS / "drum" / "drum_00.ogg"


def with_tools(app, conversation, **headers):
    """What a client says and hears in one session."""

    async def talk():
        async with (
            httpx.AsyncClient(headers=headers) as http_client,
            streamable_http_client(f"{app.url}gradio_api/mcp/", http_client=http_client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await conversation(session)

    return asyncio.run(talk())


def test_the_tools_are_the_endpoints_with_their_descriptions(app):
    async def conversation(session):
        return (await session.list_tools()).tools, (await session.list_prompts()).prompts

    tools, prompts = with_tools(app, conversation)
    assert {tool.name: list(tool.inputSchema["properties"]) for tool in tools} == {
        name.removeprefix("/"): arguments for name, arguments in ENDPOINTS.items()
    }
    assert prompts == []
    classify = next(tool for tool in tools if tool.name == "classify")
    assert "best first" in classify.description
    assert classify.inputSchema["required"] == ["sound"]
    assert classify.inputSchema["properties"]["model"]["description"]
    for tool in tools:
        described = tool.inputSchema["properties"].values()
        assert all(argument.get("description") for argument in described), tool.name


def test_a_tool_classifies_as_the_command_line_does(app, classifier, capsys):
    with open(FILE, "rb") as file:
        path = httpx.post(f"{app.url}gradio_api/upload", files={"files": file}).json()[0]
    sent_along = "data:audio/ogg;base64," + base64.b64encode(FILE.read_bytes()).decode()

    async def conversation(session):
        by_address = await session.call_tool("classify", {"sound": f"{app.url}gradio_api/file={path}"})
        at_once = await session.call_tool("classify", {"sound": sent_along})
        files = await session.call_tool("classify_files", {"files": [sent_along]})
        return [json.loads(result.content[0].text) for result in (by_address, at_once, files)]

    by_address, at_once, files = with_tools(app, conversation)
    main(["predict", str(classifier.folder), str(FILE), "--format", "json", "--top_k", "0"])
    (expected,) = json.loads(capsys.readouterr().out)
    for scores in (by_address, at_once, files[0]["predictions"]):
        assert [entry["label"] for entry in scores] == [entry["label"] for entry in expected["predictions"]]
        told = [entry["score"] for entry in scores]
        np.testing.assert_allclose(told, [entry["score"] for entry in expected["predictions"]], atol=1e-4)


def test_what_a_tool_cannot_do_is_told_in_a_line_and_it_goes_on(app):
    wrong = ["http://127.0.0.1:9/a.wav", "/etc/passwd", "data:audio/wav;base64,aGVsbG8="]

    async def conversation(session):
        results = [await session.call_tool("classify", {"sound": sound}) for sound in wrong]
        results.append(await session.call_tool("classify", {}))
        return results, await session.call_tool("models", {})

    results, after = with_tools(app, conversation)
    told = [result.content[0].text for result in results]
    assert all(result.isError for result in results)
    assert ["fetches nothing" in told[0], "was not uploaded" in told[1], "not an audio file" in told[2]] == [True] * 3
    assert "'sound' is a required property" in told[3]
    assert not any("\n" in line or line.startswith("'This") for line in told)
    assert json.loads(after.content[0].text)[0] == "runs/every_day"
