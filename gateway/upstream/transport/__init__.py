"""Transports: the only package that imports aiohttp and httpx."""
