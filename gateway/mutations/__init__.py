"""The mutations, one per file. Each write is sent upstream once and never retried."""
