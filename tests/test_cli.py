"""The command line: output, exit statuses, and server processes."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from click.testing import CliRunner, Result
from graphql import build_schema, parse, validate

from gateway import __version__
from gateway.cli import COMMANDS, cli
from gateway.cli.schema import MAX_DIFF_LINES, compare_schemas, read_schema
from gateway.cli.settings import settings_markdown
from gateway.cli.startup import (
    FIRST_LOCK_QUERY,
    FIRST_QUERY,
    explain_listen_error,
    gateway_message,
    listen,
    local_url,
    show_progress,
)
from gateway.sandbox import Bff
from gateway.server.lifecycle import Server
from gateway.server.names import is_loopback
from gateway.settings import Settings
from gateway.upstream.transport import transports

PATIENCE = 60.0  # seconds, on a slow and busy machine


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations():
            monkeypatch.delenv(name)


def invoke(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="circulation-gateway")


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command line as a process; yield it and its startup message."""
    command = [sys.executable, "-W", "error", "-m", "gateway", *arguments]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        deadline = threading.Timer(PATIENCE, process.kill)
        deadline.start()
        try:
            yield process, list(read_greeting(process))
        finally:
            deadline.cancel()
            process.kill()


def read_greeting(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the output of a process up to the empty line after its first curl command."""
    assert process.stdout is not None
    has_curl = False
    for line in process.stdout:
        yield line.rstrip("\n")
        has_curl = has_curl or line.startswith("  curl ")
        if has_curl and line == "\n":
            return
    pytest.fail(f"the process ended with {process.wait()}: {process.stderr.read() if process.stderr else ''}")


def url_of(printed_lines: list[str]) -> str:
    curl = next(line for line in printed_lines if line.startswith("  curl "))
    return "http://" + shlex.split(curl)[1].removeprefix("http://").split("/")[0]


def run_printed_curl(printed_lines: list[str]) -> Any:
    """Send the request of the printed curl command; return the decoded response."""
    words = iter(shlex.split(next(line for line in printed_lines if line.startswith("  curl ")))[1:])
    url, headers, content = next(words), {}, None
    for option in words:
        if option == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif option == "-d":
            content = next(words)
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        response = client.request("POST" if content else "GET", url, headers=headers, content=content)
    assert response.status_code == 200, response.text
    return response.json()


def get(url: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.get(url)


# Help and version


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_has_an_example(command: list[str]) -> None:
    """The help of every command has an example."""
    result = invoke(*command, "--help")

    assert result.exit_code == 0
    assert "circulation-gateway" in result.output.partition("Example")[2]


def test_version() -> None:
    """`--version` prints the program and its version."""
    assert invoke("--version").output == f"circulation-gateway {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "settings"])
def test_every_setting_is_an_option(command: str) -> None:
    """OKAPI_URL is --okapi-url, and so is every other setting."""
    words = invoke(command, "--help").output.split()
    assert {f"--{name.replace('_', '-')}" for name in Settings.declarations()} <= set(words)


def test_unknown_option_exits_2() -> None:
    """A misspelt option is refused, not ignored."""
    result = invoke("--okapi-ulr", "http://okapi")

    assert result.exit_code == 2
    assert "No such option '--okapi-ulr'" in result.stderr


def test_settings_before_a_command_are_refused() -> None:
    """An option before a command would have no effect, so it is rejected."""
    assert invoke("--port", "1", "settings").exit_code == 2


# settings


def test_settings_prints_values_and_origins() -> None:
    """The table has each value and its origin: option, environment or default."""
    result = invoke("settings", "--port", "0", "--no-graphiql", OKAPI_URL="http://okapi:9130/", PORT="1")

    lines = {line.split()[0]: line.split()[1:3] for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert lines["NAME"] == ["VALUE", "FROM"]
    assert lines["HOST"] == ["127.0.0.1", "default"]
    assert lines["PORT"] == ["0", "option"]
    assert lines["GRAPHIQL"] == ["false", "option"]
    assert lines["OKAPI_URL"] == ["http://okapi:9130", "environment"]
    assert len(lines) == 1 + len(Settings.declarations())


def test_settings_prints_the_table_of_the_manual() -> None:
    """`--markdown` prints the manual's table and nothing of this machine."""
    assert invoke("settings", "--markdown", PORT="1").output == settings_markdown()


@pytest.mark.parametrize("command", ["serve", "settings"])
def test_bad_settings_exit_2_with_a_line_each(command: str) -> None:
    """Invalid settings are printed to standard error, one line each, and nothing is served."""
    result = invoke(command, "--port", "http", BATCH_SIZE="81", OKAPI_URL="http://me:hunter2@okapi")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "OKAPI_URL: must not contain a user name or a password (got 'http://***@okapi')\n"
        "BATCH_SIZE: should be less than or equal to 80 (got '81')\n"
        "PORT: should be a valid integer, unable to parse string as an integer (got 'http')\n"
    )


# serve


@pytest.mark.parametrize(
    ("environment", "name", "value"),
    [
        ({"REQUIRE_UPSTREAM": "1"}, "REQUIRE_UPSTREAM", "true"),
        ({"REQUIRE_UPSTREAM": "1", "SANDBOX": "0"}, "SANDBOX", "false"),
        ({"SANDBOX": "0"}, "SANDBOX", "false"),
    ],
)
def test_nothing_to_serve_exits_2(environment: dict[str, str], name: str, value: str) -> None:
    """If an upstream is required, or the embedded library disabled, there is nothing to serve."""
    result = invoke(**environment)

    assert result.exit_code == 2
    assert result.stderr == (
        f"{name}: no upstream is configured; set OKAPI_URL, BFF_URL or POLARIS_URL to serve your library, or"
        f" SANDBOX=1 to serve an embedded library of sample records (got '{value}')\n"
    )


@pytest.mark.parametrize("command", [[], ["serve"], ["sandbox"]])
def test_port_in_use_exits_2(command: list[str]) -> None:
    """A port in use is reported in one line that names PORT."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke(*command, "--port", str(port))

    assert result.exit_code == 2
    assert result.stderr == (
        f"PORT: is in use on 127.0.0.1; choose another, or 0 for any free port (got '{port}')\n"
    )


def test_foreign_host_exits_2() -> None:
    """An address of another machine is reported in one line that names HOST."""
    result = invoke("--host", "192.0.2.1", "--port", "0")  # reserved for documentation: no machine has it

    assert result.exit_code == 2
    assert result.stderr == "HOST: must be an address of this machine (got '192.0.2.1')\n"


def test_forbidden_port_is_reported() -> None:
    """A privileged port is reported with the remedy."""
    assert explain_listen_error(OSError(errno.EACCES, ""), "127.0.0.1", 80) == (
        "PORT: requires privileges; choose a port above 1023 (got '80')"
    )


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "localhost")],  # noqa: S104
)
def test_printed_address_is_usable(host: str, shown: str) -> None:
    """The printed URL works on this machine, for any listening address; other machines reach only 0.0.0.0."""
    with listen(host, 0) as listener:
        assert local_url(listener) == f"http://{shown}:{listener.getsockname()[1]}"
        assert is_loopback(listener) is (shown == "127.0.0.1")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("::", "localhost")])
def test_address_of_ipv6(host: str, shown: str) -> None:
    """An IPv6 address is in brackets in the printed URL."""
    with listen(host, 0) as listener:
        assert local_url(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_greeting_over_folio() -> None:
    """The startup message names the upstreams, and a query with the caller's tenant and token."""
    settings = Settings(okapi_url="https://okapi.example.org", polaris_url="https://polaris.example.org")
    assert gateway_message(settings, "http://127.0.0.1:8081", is_local=True).splitlines() == [
        f"circulation-gateway {__version__}",
        "Serving FOLIO at https://okapi.example.org",
        "Serving Polaris at https://polaris.example.org",
        "",
        "  GraphQL  http://127.0.0.1:8081/graphql  (GraphiQL in a browser)",
        "  Health   http://127.0.0.1:8081/admin/health",
        "  Metrics  http://127.0.0.1:8081/metrics",
        "",
        "Only this machine can connect.",
        "Every client can use GraphiQL, introspection of the schema, plans of operations and suggestions in"
        " errors. PRODUCTION=1 turns this off.",
        "",
        "A first query:",
        "",
        '  curl http://127.0.0.1:8081/graphql -H "Content-Type: application/json" -H "X-Okapi-Tenant: diku"'
        ' -H "X-Okapi-Token: $TOKEN"'
        f" -d '{json.dumps({'query': FIRST_QUERY})}'",
    ]


def test_greeting_over_the_bff_alone() -> None:
    """The BFF without other FOLIO services is named in the startup message."""
    settings = Settings(bff_url="http://bff:8081", graphiql=False)
    lines = gateway_message(settings, "http://127.0.0.1:8081", is_local=True).splitlines()

    assert lines[1] == "Serving FOLIO circulation BFF at http://bff:8081"
    assert lines[3] == "  GraphQL  http://127.0.0.1:8081/graphql"


def test_greeting_in_production() -> None:
    """In production the startup message names the settings that expose the schema, if there are any."""
    closed, opened = (
        gateway_message(settings, "http://127.0.0.1:8081", is_local=False).splitlines()
        for settings in (Settings(production=True), Settings(production=True, suggestions=True))
    )

    assert "  GraphQL  http://127.0.0.1:8081/graphql" in closed
    assert "Other machines can connect." in closed
    features = "GraphiQL, introspection of the schema, plans of operations or suggestions in errors"
    assert f"No client can use {features}." in closed
    assert "Every client can use suggestions in errors." in opened


def test_greeting_over_polaris_alone() -> None:
    """Without FOLIO, the first query is one for Polaris."""
    settings = Settings(polaris_url="http://polaris", polaris_organization=3)

    words = shlex.split(gateway_message(settings, "http://127.0.0.1:8081", is_local=True).splitlines()[-1])

    assert [word.partition(":")[0] for word in words if word.startswith("X-")] == [
        "X-Okapi-Tenant",
        "X-Okapi-Token",
        "X-Polaris-Authorization",
        "X-Polaris-Workstation",
    ]
    assert json.loads(words[-1]) == {"query": FIRST_LOCK_QUERY}


@pytest.mark.parametrize("query", [FIRST_QUERY, FIRST_LOCK_QUERY])
def test_first_query_is_valid(query: str) -> None:
    """The queries of the startup message are valid for the schema."""
    assert validate(build_schema(invoke("schema").stdout), parse(query)) == []


def test_slow_start_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress is printed with the elapsed time if a command takes long, and not otherwise."""
    began = time.monotonic()
    with show_progress("Loading", after=0.0, every=0.2):
        time.sleep(1)
    took = time.monotonic() - began
    with show_progress("Never said", after=PATIENCE):
        pass

    first, *others = capsys.readouterr().err.splitlines()
    assert first == "Loading ..."
    progress = [re.fullmatch(r"Loading \.\.\. (\d+) s", each) for each in others]
    seconds = [int(each[1]) for each in progress if each]
    assert 0 < len(seconds) == len(progress)
    assert seconds == sorted(seconds)
    assert seconds[-1] <= round(took)


def test_progress_does_not_wait_for_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow start goes on if standard error is a pipe that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.write(writer, b"x" * 1_000_000)  # as much as the pipe takes
    os.set_blocking(writer, True)

    def start() -> None:
        with show_progress("Loading", after=0.0, every=0.01):
            time.sleep(0.1)

    with os.fdopen(reader, "rb"), os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        starting = threading.Thread(target=start, daemon=True)
        starting.start()
        starting.join(PATIENCE)
        is_started = not starting.is_alive()
        monkeypatch.undo()
        assert is_started


# the server


async def draining_app(
    scope: dict[str, Any],
    receive: Callable[[], Any],
    send: Callable[[dict[str, Any]], Any],
) -> None:
    """An application whose response shows if the server is draining."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = json.dumps(scope["state"].get("draining", False)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(drain: float) -> Iterator[tuple[Server, str, threading.Thread]]:
    """Run the server in a thread, without signal handlers of this process."""
    listening = threading.Event()
    with listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(draining_app, ws="none", lifespan="on", log_config=None)
        server = Server(config, announce=listening.set, drain=drain)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert listening.wait(PATIENCE)
            yield server, local_url(listener), thread
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def test_sigterm_drains_before_the_end() -> None:
    """After SIGTERM requests are still served, with `draining` in their state."""
    with served(drain=PATIENCE) as (server, url, thread):
        before = get(url).json()
        server.handle_exit(signal.SIGTERM, None)
        after = get(url).json()

        assert (before, after) == (False, True)
        assert thread.is_alive()


def test_drain_ends() -> None:
    """When the drain is over the server stops."""
    with served(drain=0.2) as (server, url, thread):
        server.handle_exit(signal.SIGTERM, None)
        thread.join(PATIENCE)

        assert not thread.is_alive()
        with pytest.raises(httpx.ConnectError):
            get(url)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_second_signal_ends_at_once(signals: list[signal.Signals]) -> None:
    """Ctrl+C, or a second SIGTERM, does not wait for the drain."""
    with served(drain=PATIENCE) as (server, _, thread):
        for each in signals:
            server.handle_exit(each, None)
        thread.join(10)

        assert not thread.is_alive()


# schema


@pytest.fixture(name="folder")
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_schema_is_printed() -> None:
    """Without an option the schema is printed as SDL."""
    assert "query" in (result := invoke("schema")).output.lower()
    assert build_schema(result.output).query_type is not None


def test_schema_that_was_written_is_up_to_date(folder: Path) -> None:
    """The file of `--write` passes `--check`, and equals the printed schema."""
    assert invoke("schema", "--write").output == "schema.graphql written\n"

    result = invoke("schema", "--check")
    assert (result.exit_code, result.output) == (0, "schema.graphql is up to date\n")
    assert (folder / "schema.graphql").read_text(encoding="utf-8") == invoke("schema").stdout


def test_schema_with_defer_is_printed() -> None:
    """`--incremental` adds the directive `@defer`, and nothing else."""
    plain, incremental = invoke("schema").stdout, invoke("schema", "--incremental").stdout

    assert "@defer" not in plain
    assert "directive @defer" in incremental
    assert set(plain.splitlines()) < set(incremental.splitlines())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_schema_file_in_another_encoding(folder: Path, encoding: str) -> None:
    """A schema file with a byte order mark, in UTF-16, or with the line ends of Windows is accepted."""
    text = invoke("schema").stdout
    (folder / "schema.graphql").write_bytes(text.replace("\n", "\r\n").encode(encoding))

    assert invoke("schema", "--check").output == "schema.graphql is up to date\n"
    assert invoke("schema", "--breaking-against", "schema.graphql").exit_code == 0


def test_schema_file_in_an_unknown_encoding(folder: Path) -> None:
    """A schema file that is neither UTF-8 nor UTF-16 is refused in a line."""
    (folder / "schema.graphql").write_bytes(b'"\xff" type Query { a: Int }')

    result = invoke("schema", "--check")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("schema.graphql: must be in UTF-8, or in UTF-16 with a byte order mark\n")


def test_schema_with_defer_is_compared(folder: Path) -> None:
    """A schema file that declares `@defer` is compared with the schema that does."""
    (folder / "older.graphql").write_text(invoke("schema", "--incremental").stdout, encoding="utf-8")

    result = invoke("schema", "--breaking-against", "older.graphql")

    assert (result.exit_code, result.output) == (0, "0 changes, none of them breaking\n")


def test_schema_drift_is_shown(folder: Path) -> None:
    """A schema file that differs fails the check, with the first lines of the difference."""
    written = invoke("schema").stdout
    (folder / "schema.graphql").write_text("type Gone { id: ID }\n" + written, encoding="utf-8")

    result = invoke("schema", "--check")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == ["--- schema.graphql (committed)", "+++ schema"]
    assert "-type Gone { id: ID }" in result.stdout.splitlines()
    assert result.stderr == (
        "Error: schema.graphql is not up to date; write it with: circulation-gateway schema --write\n"
    )


def test_schema_drift_is_cut(folder: Path) -> None:
    """A long difference is truncated, and the rest counted."""
    (folder / "schema.graphql").write_text("# nothing\n" * 100, encoding="utf-8")

    lines = invoke("schema", "--check").stdout.splitlines()

    assert len(lines) == MAX_DIFF_LINES + 1
    assert lines[-1].startswith("... and ")


@pytest.mark.usefixtures("folder")
def test_missing_schema_file_is_drift() -> None:
    """Without a schema file the check fails and names the command that writes it."""
    result = invoke("schema", "--check")

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: schema.graphql does not exist in this folder;"
        " write it with: circulation-gateway schema --write\n"
    )


def test_breaking_change_is_found(folder: Path) -> None:
    """A removed field is a breaking change and fails."""
    older = folder / "older.graphql"
    older.write_text(invoke("schema").stdout + "extend type Query { gone: Int }\n", encoding="utf-8")

    result = invoke("schema", "--breaking-against", str(older))

    assert result.exit_code == 1
    assert result.stdout == "BREAKING   Field Query.gone was removed.\n"
    assert result.stderr == "Error: 1 of 1 changes may break clients\n"


def test_a_field_that_becomes_null_without_an_error_is_a_breaking_change(folder: Path) -> None:
    """A client that handles errors elsewhere does not expect null where the older schema promises none."""
    older = folder / "older.graphql"
    text = invoke("schema").stdout
    promised = text.replace("  returnDate: DateTime\n", "  returnDate: DateTime @semanticNonNull\n", 1)
    older.write_text(
        promised.replace("formerIds: [String] @semanticNonNull(levels: [1])", "formerIds: [String]")
    )

    result = invoke("schema", "--breaking-against", str(older))

    assert text != promised
    assert result.exit_code == 1
    assert result.stdout == "BREAKING   Loan.returnDate: it may be null without an error.\n"


def test_same_schema_has_no_changes(folder: Path) -> None:
    """Compared with itself the schema has no changes."""
    (folder / "same.graphql").write_text(invoke("schema").stdout, encoding="utf-8")

    result = invoke("schema", "--breaking-against", "same.graphql")

    assert (result.exit_code, result.output) == (0, "0 changes, none of them breaking\n")


def test_additions_are_not_breaking(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Additions are listed, possibly dangerous ones first, and do not fail."""
    older = folder / "older.graphql"
    older.write_text("type Query { kind: Kind } enum Kind { HOLD }", encoding="utf-8")
    newer = "type Query { kind: Kind loan: Loan } type Loan { kind: Kind } enum Kind { HOLD PAGE }"

    compare_schemas(read_schema(older), newer)

    assert capsys.readouterr().out.splitlines() == [
        "DANGEROUS  Enum value Kind.PAGE was added.",
        "SAFE       Field Query.loan was added.",
        "SAFE       Loan was added.",
        "3 changes, none of them breaking",
    ]


def test_a_file_without_a_schema_exits_2(folder: Path) -> None:
    """A file that cannot be compared is refused in a line."""
    (folder / "notes.txt").write_text("type {", encoding="utf-8")

    result = invoke("schema", "--breaking-against", "notes.txt")

    assert result.exit_code == 2
    assert result.stderr.startswith("notes.txt: must be a GraphQL schema: Syntax Error")


def test_one_schema_task_at_a_time() -> None:
    """Writing and checking together would always succeed, so it is rejected."""
    assert invoke("schema", "--write", "--check").exit_code == 2


# the sandbox as a server


def test_sandbox_refuses_a_folder_without_records(tmp_path: Path) -> None:
    """A folder with nothing to serve is refused in a line that names it."""
    result = invoke("sandbox", "--port", "0", "--data", str(tmp_path))

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"--data: {tmp_path}: ")  # after any progress output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{}", "not a JSON array of records"),
        ('[{"id": "a"}, {}]', "record number 2 lacks id"),
        (None, "not a regular file"),
    ],
)
def test_sandbox_refuses_an_invalid_file(tmp_path: Path, text: str | None, problem: str) -> None:
    """A file that cannot be loaded is refused in one line that names file and record, with 2."""
    file = tmp_path / "users.json"
    if text is None:
        os.mkfifo(file)  # reading it would wait for a writer
    else:
        file.write_text(text, encoding="utf-8")

    result = invoke("sandbox", "--port", "0", "--data", str(tmp_path))
    embedded = invoke("--port", "0", SANDBOX_DATA=str(tmp_path))

    assert (result.exit_code, embedded.exit_code) == (2, 2)
    assert result.stderr.splitlines()[-1] == f"--data: {file}: {problem}"
    assert embedded.stderr.splitlines()[-1] == f"SANDBOX_DATA: {file}: {problem}"


def test_sandbox_refuses_names_with_ports() -> None:
    """The sandbox checks its names as the gateway does, and refuses bad ones in one line."""
    result = invoke("sandbox", "--port", "0", "--allowed-hosts", "folio:9130")

    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "ALLOWED_HOSTS: must be comma-separated names without ports, such as graphql.example.org"
        " (got 'folio:9130')"
    ]


def test_sandbox_refuses_a_missing_folder(tmp_path: Path) -> None:
    """A folder that does not exist is refused in one line."""
    result = invoke("sandbox", "--port", "0", "--data", str(tmp_path / "none"))

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        f"--data: {tmp_path / 'none'}: cannot be read: No such file or directory"
    )


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_unusable_certificates(tmp_path: Path, content: str | None) -> None:
    """An SSL_CERT_FILE that cannot be used is refused in one line, by `serve` and by `doctor`."""
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    variables = {"OKAPI_URL": "https://okapi.example.org", "SSL_CERT_FILE": str(file)}
    transports._certificate_authorities.cache_clear()

    for command in (["serve", "--port", "0"], ["doctor", "--tenant", "diku"]):
        result = invoke(*command, **variables)

        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == (
            f"SSL_CERT_FILE: must be a readable file of PEM certificates (got {str(file)!r})"
        )


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL such as http://collector:4318"
            " (got 'collector:4318')",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "grpc://key:secret@collector:4317"},
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be an http or https URL such as http://collector:4318"
            " (got 'grpc://***@collector:4317')",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:99999"},
            "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL such as http://collector:4318"
            " (got 'http://collector:99999')",
        ),
        (
            {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/does/not/exist"},
            "OTEL_EXPORTER_OTLP_CERTIFICATE: must be a readable file (got '/does/not/exist')",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "jaeger"},
            "OTEL_TRACES_EXPORTER: must be otlp, console or none (got 'jaeger')",
        ),
    ],
)
def test_unusable_export_of_traces(variables: dict[str, str], problem: str) -> None:
    """Variables of OpenTelemetry that cannot be used are refused in one line."""
    result = invoke("--port", "0", TRACING="1", **variables)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == problem


@pytest.mark.parametrize("host", ["nowhere..example.org", "x" * 64])
def test_host_that_is_no_name(host: str) -> None:
    """A host with an empty or overlong label is refused in one line."""
    result = invoke("--port", "0", HOST=host)

    assert (result.exit_code, result.stderr) == (
        2,
        f"HOST: must be an address of this machine (got {host!r})\n",
    )


def test_files_that_cannot_be_read_or_written(folder: Path) -> None:
    """A folder in place of the schema file is refused in one line."""
    Path("schema.graphql").mkdir()

    assert invoke("schema", "--write").stderr.splitlines()[-1] == (
        "schema.graphql: cannot be written: Is a directory"
    )
    result = invoke("schema", "--check")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2,
        "schema.graphql: cannot be read: Is a directory",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which only Linux has")
@pytest.mark.parametrize("command", ["manual queries", "--help"])
def test_output_to_a_full_disk_is_one_line(command: str) -> None:
    """Output that the disk has no space for ends the command with one line, not with a traceback."""
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-W", "error", "-m", "gateway", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert (process.returncode, process.stderr) == (
        2,
        "standard output: cannot be written: No space left on device\n",
    )


def test_slow_loading_of_a_library_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading that takes long is reported."""

    def load_slowly(data: Path, *, latency: float, bff: Bff) -> None:
        time.sleep(1.5)
        raise ValueError("the end")

    monkeypatch.setattr("gateway.sandbox.create_sandbox", load_slowly)

    result = invoke("sandbox", "--port", "0", "--data", str(tmp_path))

    assert result.stderr == f"Loading the records in {tmp_path} ...\n--data: the end\n"


def test_sandbox_process() -> None:
    """`sandbox` serves invented records over REST, prints that, and ends with 0 on SIGTERM."""
    with started("sandbox", "--port", "0") as (process, printed_lines):
        assert printed_lines[0] == f"circulation-gateway {__version__}"
        assert printed_lines[1] == "SANDBOX: an embedded library with invented records, not your library."
        assert printed_lines[2].startswith("Tenant diku: 300 users, ")
        assert len(run_printed_curl(printed_lines)["loans"]) == 1

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


# the gateway as a server


def test_gateway_process() -> None:
    """Without configuration it serves the embedded library, prints that, and ends with 0 on SIGTERM."""
    with started("--port", "0", "--shutdown-timeout", "2") as (process, printed_lines):
        assert printed_lines[:3] == [
            f"circulation-gateway {__version__}",
            "SANDBOX: an embedded library with invented records, not your library.",
            "Set OKAPI_URL to serve your library.",
        ]
        url = url_of(printed_lines)
        assert f"  GraphQL  {url}/graphql  (GraphiQL in a browser)" in printed_lines
        assert "Only this machine can connect." in printed_lines
        assert get(f"{url}/admin/health").status_code == 200
        assert get(f"{url}/admin/health/readiness").status_code == 200
        response = run_printed_curl(printed_lines)
        assert "errors" not in response
        assert len(response["data"]["loans"]["nodes"]) == 3

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_gateway_process_turns_readiness_off_first() -> None:
    """Between SIGTERM and the end, readiness is 503 while the gateway still serves requests."""
    with started("--port", "0") as (process, printed_lines):
        url = url_of(printed_lines)
        process.send_signal(signal.SIGTERM)
        statuses: set[int] = set()
        while statuses != {200, 503}:
            statuses.add(get(f"{url}/admin/health").status_code)
            statuses.add(get(f"{url}/admin/health/readiness").status_code)
        assert len(run_printed_curl(printed_lines)["data"]["loans"]["nodes"]) == 3

        assert process.wait(PATIENCE) == 0


def test_gateway_process_over_a_sandbox_process() -> None:
    """The gateway over the sandbox's REST interfaces has the same response as over the embedded library."""
    with started("--port", "0") as (_, embedded), started("sandbox", "--port", "0") as (_, rest):
        upstream = url_of(rest)
        with started("--port", "0", "--okapi-url", upstream) as (process, printed_lines):
            assert printed_lines[1] == f"Serving FOLIO at {upstream}"
            assert run_printed_curl(printed_lines) == run_printed_curl(embedded)

            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
