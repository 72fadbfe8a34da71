"""Compiled plans: an operation as generated functions."""
