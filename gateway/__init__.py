"""One GraphQL endpoint over the circulation REST APIs of a library."""

__version__ = "0.1.0"
