"""`doctor` on the command line: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.settings import Settings

SECRET = "sandbox:desk"  # noqa: S105 - no secret
FORBIDDEN = "needs circulation-bff.loans.collection.get"


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name.startswith(("OKAPI_", "POLARIS_")):
            monkeypatch.delenv(name)


def doctor(*arguments: str, typed: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments], input=typed, env=environment)


def test_a_library_that_is_well() -> None:
    """Each path has a line with the time that it took, and the exit code is 0."""
    result = doctor("--sandbox")

    assert result.exit_code == 0
    assert "not your library" in result.output
    lines = [line.split() for line in result.output.splitlines()]
    (loans,) = [line for line in lines if line[:2] == ["bff", "/circulation-bff/loans"]]
    assert loans[2] == "reachable,"
    assert loans[3].isdigit()
    assert loans[4:] == ["ms"]
    assert result.output.endswith("44 reachable.\nAll is well.\n")


def test_a_user_who_lacks_a_right() -> None:
    """The missing permission is named beside each path, and the exit code is 1."""
    result = doctor("--sandbox", OKAPI_TOKEN="sandbox:nobody")  # noqa: S106 - no secret

    assert result.exit_code == 1
    assert FORBIDDEN in result.output
    assert "may not: lacks circulation-bff.loans.check-out-by-barcode.execute" in result.output
    assert result.output.endswith("43 forbidden, 1 reachable.\nWrong: 43.\n")


def test_json_for_machines() -> None:
    """`--json` prints one object and nothing else."""
    result = doctor("--sandbox", "--json", OKAPI_TOKEN="sandbox:desk")  # noqa: S106 - no secret

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (told["tenant"], told["is_fine"], told["permissions_are_known"]) == ("diku", True, True)
    assert {each["verdict"] for each in told["questions"]} == {"reachable"}
    lacking = {each["act"] for each in told["acts"] if each["lacks"]}
    assert lacking == {
        "override itemLimitBlock",
        "override itemNotLoanableBlock",
        "override patronBlock",
        "override renewalBlock",
    }


@pytest.mark.parametrize("way", ["environment", "file", "input"])
def test_the_token_is_used_and_never_printed(way: str, tmp_path: Path) -> None:
    """From the environment, a file or the standard input: it decides the answer and is not in it."""
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")

    match way:
        case "environment":
            result = doctor("--sandbox", "--json", OKAPI_TOKEN=SECRET)
        case "file":
            result = doctor("--sandbox", "--json", "--token-file", str(file))
        case _:
            result = doctor("--sandbox", "--json", "--token-file", "-", typed=SECRET + "\n")

    assert result.exit_code == 0
    assert "circulation.override-patron-block.post" in result.output
    assert SECRET not in result.output


def test_a_token_that_is_none_is_refused_without_being_printed(tmp_path: Path) -> None:
    """What cannot be a header ends it with 2, and is not repeated."""
    file = tmp_path / "token"
    file.write_text("two words")

    result = doctor("--sandbox", "--token-file", str(file))

    assert result.exit_code == 2
    assert "Header X-Okapi-Token" in result.stderr
    assert "two words" not in result.output


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A binary file is refused in one line."""
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe\x00")

    result = doctor("--sandbox", "--token-file", str(file))

    assert result.exit_code == 2
    assert result.stderr == f"{file}: cannot be read as text\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--okapi-url", "http://127.0.0.1:9"], "--tenant: is missing"),
        (["--okapi-url", "http://127.0.0.1:9", "--tenant", "Not A Tenant"], "X-Okapi-Tenant"),
        (["--require-upstream", "--tenant", "diku"], "REQUIRE_UPSTREAM"),
        (["--okapi-url", "nonsense", "--tenant", "diku"], "OKAPI_URL"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(arguments: list[str], said: str) -> None:
    """Settings that cannot be used are told before anything is asked."""
    result = doctor(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_nobody_there() -> None:
    """A port on which nothing listens is unavailable for each path, quickly, and Polaris not configured."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    result = doctor("--okapi-url", f"http://127.0.0.1:{port}", "--tenant", "diku")

    assert result.exit_code == 1
    assert f"folio at http://127.0.0.1:{port}" in result.output
    assert result.output.endswith("43 unavailable, 1 not configured.\nWrong: 43.\n")
    assert "MutationState: not tried" in result.output


def test_somebody_there_who_never_answers() -> None:
    """Each path is a timeout, and after a second people are told what is waited for."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        result = doctor("--okapi-url", url, "--tenant", "diku", "--first-byte-timeout", "1.5")

    assert result.exit_code == 1
    waiting = "Waiting for bff /circulation-bff/loans, bff /circulation-bff/loans/{loanId}, "
    assert f"{waiting}bff /circulation-bff/requests and 40 more ...\n" in result.stderr
    assert result.stdout.endswith("43 timeout, 1 not configured.\nWrong: 43.\n")
