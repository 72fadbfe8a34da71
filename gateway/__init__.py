"""One GraphQL endpoint over the circulation REST APIs of a library."""

from typing import TYPE_CHECKING

from gateway.version import __version__

__all__ = ["__version__", "create_app"]

if TYPE_CHECKING:
    from gateway.app import create_app
else:

    def __getattr__(name: str) -> object:
        # Imported on first use: the schema takes a second to build, which the other modules do not need.
        if name == "create_app":
            from gateway.app import create_app

            return create_app
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
