"""Checks of a configuration against the real upstreams, and the module descriptor for FOLIO."""
