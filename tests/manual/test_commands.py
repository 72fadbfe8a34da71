"""The commands of the manual can be typed unchanged."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from gateway.cli import COMMANDS, cli
from gateway.cli.startup import gateway_message
from gateway.settings import Settings
from tests.gateway_under_test import open_gateway
from tests.manual.pages import ALL, blocks, section
from tests.manual.test_examples import without_dates

PROGRAM = "circulation-gateway"
VARIABLES = {"OKAPI_TOKEN"}  # read by `doctor`
DOCUMENT = "query Loans($first: Int) { loans(first: $first) { nodes { id } } }"


def commands() -> list[str]:
    """List each command line of the gateway, from blocks and from inline code."""
    lines = []
    for text in ALL.values():
        lines += [line for block in blocks("sh", text) + blocks("", text) for line in block.splitlines()]
        lines += re.findall(r"`([^`]*)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    pattern = re.compile(rf"(^|[ =]){PROGRAM}( |$)")
    return sorted({" ".join(line.split()) for line in lines if pattern.search(line)})


def split(line: str) -> tuple[list[str], list[str]]:
    """Return the variables before the program and the words after it."""
    words = shlex.split(line)
    start = len(words) - 1 - words[::-1].index(PROGRAM)
    return [word.partition("=")[0] for word in words[:start] if "=" in word], words[start + 1 :]


def test_every_command_is_shown() -> None:
    """The manual shows each command of the command line."""
    shown = {words[0] for _, words in map(split, commands()) if words}

    assert shown >= set(COMMANDS) - {"serve"}


@pytest.mark.parametrize("line", commands())
def test_a_command_exists_with_its_options(line: str) -> None:
    """The command, its options and the variables before it are known to the program."""
    variables, words = split(line)
    context = click.Context(cli)
    command = cli.get_command(context, words.pop(0) if words and words[0] in COMMANDS else "serve")
    assert command is not None
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}

    assert {name.lower() for name in set(variables) - VARIABLES} <= set(Settings.declarations())
    assert {word for word in words if word.startswith("--")} <= options | {"--help"}
    assert not words or words[0].startswith("-") or command.name != "serve"


@pytest.mark.anyio
@pytest.mark.parametrize("page", ["clients", "persisted-documents"])
async def test_a_curl_command_gets_data(page: str, tmp_path: Path) -> None:
    """The body and the headers of the command, sent to the gateway, return data."""
    (block,) = (each for each in blocks("sh", ALL[page]) if each.startswith("curl"))
    words = shlex.split(block.replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ") for i, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({json.loads(body).get("documentId", "none"): DOCUMENT}))

    async with open_gateway(documents=manifest) as gateway:
        response = await gateway.http.post("/graphql", content=body, headers=headers)

    assert "errors" not in response.json()
    assert len(response.json()["data"]["loans"]["nodes"]) == 3


@pytest.mark.anyio
async def test_start() -> None:
    """The README shows the startup message, and the response to the query in it."""
    start = section("README", "Start")
    message = click.unstyle(gateway_message(Settings(), "http://127.0.0.1:8081", is_local=True))
    assert message.rstrip().partition("\n")[2] + "\n" in blocks("", start)

    *_, body = shlex.split(message)
    async with open_gateway() as gateway:
        response = await gateway.http.post("/graphql", json=json.loads(body))

    (shown,) = blocks("json", start)
    assert without_dates(response.json()) == without_dates(json.loads(shown))
