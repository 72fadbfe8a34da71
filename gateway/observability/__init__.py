"""What an operator sees: logs, metrics, traces. Nothing here knows what was asked or answered."""
