"""`doctor` on the command line: its output and exit codes."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.doctor.checks import checks
from gateway.settings import Settings

SECRET = "sandbox:desk"  # noqa: S105 - no secret
READS = len(checks("diku"))
FOLIO = READS - 1  # the other one is of Polaris
FORBIDDEN = "needs circulation-bff.loans.collection.get"


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations() or name.startswith(("OKAPI_", "POLARIS_")):
            monkeypatch.delenv(name)


def doctor(*arguments: str, typed: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments], input=typed, env=environment)


def test_a_healthy_library() -> None:
    """Each path has a line with the time that it took, and the exit code is 0."""
    result = doctor("--sandbox")

    assert result.exit_code == 0
    assert "not your library" in result.output
    lines = [line.split() for line in result.output.splitlines()]
    (loans,) = [line for line in lines if line[:2] == ["bff", "/circulation-bff/loans"]]
    assert loans[2] == "reachable,"
    assert loans[3].isdigit()
    assert loans[4:] == ["ms"]
    assert result.output.endswith(f"{READS} reachable.\nAll checks passed.\n")


def test_a_user_who_lacks_permissions() -> None:
    """The missing permission is named beside each path, and the exit code is 1."""
    result = doctor("--sandbox", OKAPI_TOKEN="sandbox:nobody")  # noqa: S106 - no secret

    assert result.exit_code == 1
    assert FORBIDDEN in result.output
    assert "not permitted: lacks circulation-bff.loans.check-out-by-barcode.execute" in result.output
    assert result.output.endswith(f"{FOLIO} forbidden, 1 reachable.\nFailed checks: {FOLIO}.\n")


def test_json_output() -> None:
    """`--json` prints one object and nothing else."""
    result = doctor("--sandbox", "--json", OKAPI_TOKEN="sandbox:desk")  # noqa: S106 - no secret

    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["tenant"], report["is_healthy"], report["has_permissions"]) == ("diku", True, True)
    assert {each["status"] for each in report["reads"]} == {"reachable"}
    missing = {each["mutation"] for each in report["mutations"] if each["missing_permissions"]}
    assert missing == {
        "override itemLimitBlock",
        "override itemNotLoanableBlock",
        "override patronBlock",
        "override renewalBlock",
    }


@pytest.mark.parametrize("source", ["environment", "file", "input"])
def test_the_token_is_used_and_never_printed(source: str, tmp_path: Path) -> None:
    """From the environment, a file or the standard input: it decides the result and is not part of it."""
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")

    match source:
        case "environment":
            result = doctor("--sandbox", "--json", OKAPI_TOKEN=SECRET)
        case "file":
            result = doctor("--sandbox", "--json", "--token-file", str(file))
        case _:
            result = doctor("--sandbox", "--json", "--token-file", "-", typed=SECRET + "\n")

    assert result.exit_code == 0
    assert "circulation.override-patron-block.post" in result.output
    assert SECRET not in result.output


@pytest.mark.parametrize(
    "content",
    [
        b"sandbox:desk\n",
        b"\xef\xbb\xbfsandbox:desk\r\n",
        b"\n  sandbox:desk \n\n",
        "sandbox:desk\r\n".encode("utf-16"),
    ],
)
def test_the_token_file_of_any_editor(content: bytes, tmp_path: Path) -> None:
    """Newlines, spaces around the token and a byte order mark are not part of the token."""
    file = tmp_path / "token"
    file.write_bytes(content)

    result = doctor("--sandbox", "--json", "--token-file", str(file))

    assert result.exit_code == 0


def test_the_variable_of_a_token_may_end_in_a_newline() -> None:
    """A token that was copied from a file to the environment may have the marks of the file."""
    assert doctor("--sandbox", "--json", OKAPI_TOKEN=f"\ufeff{SECRET}\n").exit_code == 0


def test_a_polaris_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    """The file of the Polaris identity is read like that of the token."""
    file = tmp_path / "polaris"
    file.write_bytes(b"\xef\xbb\xbfBasic abc\n")

    result = doctor("--sandbox", "--polaris-authorization-file", str(file))

    assert result.exit_code == 2
    assert result.stderr.endswith("Header X-Polaris-Authorization must start with 'PAS ' or 'Bearer '.\n")


def test_a_malformed_token_is_rejected_without_being_printed(tmp_path: Path) -> None:
    """A token that cannot be a header ends it with 2, and is not printed."""
    file = tmp_path / "token"
    file.write_text("two words")

    result = doctor("--sandbox", "--token-file", str(file))

    assert result.exit_code == 2
    assert "Header X-Okapi-Token" in result.stderr
    assert "two words" not in result.output


def test_a_binary_file(tmp_path: Path) -> None:
    """A file that is not text is rejected in one line."""
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe\x00")

    result = doctor("--sandbox", "--token-file", str(file))

    assert result.exit_code == 2
    assert result.stderr == f"{file}: cannot be read as text\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--okapi-url", "http://127.0.0.1:9"], "--tenant: is missing"),
        (["--okapi-url", "http://127.0.0.1:9", "--tenant", "Not A Tenant"], "X-Okapi-Tenant"),
        (["--require-upstream", "--tenant", "diku"], "REQUIRE_UPSTREAM"),
        (["--okapi-url", "nonsense", "--tenant", "diku"], "OKAPI_URL"),
    ],
)
def test_invalid_arguments_end_with_2(arguments: list[str], message: str) -> None:
    """Settings that cannot be used are reported before anything is sent."""
    result = doctor(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_closed_port() -> None:
    """A port on which nothing listens is unavailable for each path, quickly, and Polaris not configured."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    result = doctor("--okapi-url", f"http://127.0.0.1:{port}", "--tenant", "diku")

    assert result.exit_code == 1
    assert f"folio at http://127.0.0.1:{port}" in result.output
    assert result.output.endswith(f"{FOLIO} unavailable, 1 not configured.\nFailed checks: {FOLIO}.\n")
    assert "Mutations: not checked" in result.output


@pytest.mark.slow
def test_an_upstream_that_never_responds() -> None:
    """Each path is a timeout, and after a second the pending checks are printed."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        result = doctor("--okapi-url", url, "--tenant", "diku", "--first-byte-timeout", "1.5")

    assert result.exit_code == 1
    # That of Polaris waits for a slot, with as many calls at once as UPSTREAM_CONCURRENCY allows.
    waiting = "Waiting for bff /circulation-bff/loans, bff /circulation-bff/loans/{loanId}, "
    assert f"{waiting}bff /circulation-bff/requests and {READS - 3} more ...\n" in result.stderr
    assert result.stdout.endswith(f"{FOLIO} timeout, 1 not configured.\nFailed checks: {FOLIO}.\n")
