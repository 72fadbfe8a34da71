"""Polaris ApplicationServices: staff sessions and object locks."""
