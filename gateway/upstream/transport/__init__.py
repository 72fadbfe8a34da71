"""Transports: how bytes reach an upstream."""
