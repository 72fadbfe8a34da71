"""Logs, metrics and traces of operations, without their queries and records."""
