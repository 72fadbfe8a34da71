"""The page on configuration has the tables that the code generates."""

from __future__ import annotations

import pytest

from gateway.cli.settings import settings_markdown
from gateway.settings import Settings
from gateway.settings_group import SettingsError
from tests.manual.pages import PAGES

PAGE = PAGES["configuration"]


def test_the_tables_are_the_generated_ones() -> None:
    """The tables list each setting with its default; `settings --markdown` prints them."""
    assert settings_markdown() in PAGE


def test_the_message_shown_is_that_of_the_code() -> None:
    """The example of an invalid value has the line that the process prints."""
    with pytest.raises(SettingsError) as raised:
        Settings(batch_size="81")

    assert f"\n{raised.value}\n" in PAGE
