"""The seed data of the sandbox."""
