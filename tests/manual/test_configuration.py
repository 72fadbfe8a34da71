"""The page on configuration has the table that the code generates."""

from __future__ import annotations

import pytest

from gateway.cli.settings import settings_markdown
from gateway.settings import Settings, SettingsError
from tests.manual.pages import PAGES

PAGE = PAGES["configuration"]


def test_the_table_is_the_generated_one() -> None:
    """The table lists each setting with its default; `settings --markdown` prints it anew."""
    assert settings_markdown().strip() in PAGE


def test_the_message_shown_is_that_of_the_code() -> None:
    """The example of an invalid value has the line that the process prints."""
    with pytest.raises(SettingsError) as raised:
        Settings(batch_size="81")

    assert f"\n{raised.value}\n" in PAGE
