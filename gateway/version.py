"""The version, apart from the public surface, which needs the rest of the gateway."""

__version__ = "0.1.0"
