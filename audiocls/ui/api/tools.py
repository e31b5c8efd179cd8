"""The endpoints as tools for programs that speak MCP: gradio serves them; here it is told how to read and answer.

What a tool is, its name and its description, is in `endpoints`; what it may be given, in `uploads`; who may enter, in
`accounts`.
"""

import json
from typing import Any

import gradio as gr


def serve_tools(blocks: gr.Blocks) -> None:
    """Set up the tools of a launched app; without MCP it does nothing.

    They give JSON as text, where gradio gives what Python prints; and files are looked at by `uploads`, as those of
    other programs are, where gradio would fetch them from any address.
    """
    server = blocks.mcp_server_obj
    if server is None:
        return
    text = server.types.TextContent

    def answered(data: list[Any], root_url: str) -> list[Any]:
        return [text(type="text", text=json.dumps(output, ensure_ascii=False)) for output in data]

    def as_they_are(value: Any, filedata_positions: list[list[str | int]]) -> Any:
        return value

    server.postprocess_output_data = answered  # type: ignore[method-assign, assignment]
    server.convert_strings_to_filedata = as_they_are  # type: ignore[method-assign]
