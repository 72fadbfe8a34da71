"""The record collections: how they are stored, queried and shown by each service."""
