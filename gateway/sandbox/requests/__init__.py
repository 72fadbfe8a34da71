"""Requests: creation with its rules, changes, queues, mediated requests and batches."""
