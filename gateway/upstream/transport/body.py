"""The body of an answer, decoded piece by piece and never beyond the cap: 300 KB of gzip can be 300 MB."""

from __future__ import annotations

import zlib

from gateway import errors


class Body:
    """Takes the pieces of one body as they come."""

    __slots__ = ("_chunks", "_gunzip", "_left", "_most", "_upstream", "began")

    def __init__(self, upstream: str, encoding: str, most: int) -> None:
        """`encoding` is the Content-Encoding, empty where there is none; `most` counts decoded bytes.

        Raises `UpstreamBadResponse` for an encoding that was not asked for.
        """
        self._upstream = upstream
        self._most = most
        self._left = most
        self._chunks: list[bytes] = []
        self._gunzip: zlib._Decompress | None = None
        self.began = False  # whether a byte of it has come
        name = encoding.lower()
        if name == "gzip":
            self._gunzip = zlib.decompressobj(wbits=31)
        elif name not in ("", "identity"):
            raise self._not_decompressed()

    def add(self, raw: bytes) -> None:
        """Take a piece. Raises `UpstreamBadResponse` past the cap and where it cannot be decompressed."""
        if not raw:
            return
        self.began = True
        chunk = raw if self._gunzip is None else self._gunzipped(self._gunzip, raw)
        self._left -= len(chunk)
        if self._left < 0:
            raise errors.UpstreamBadResponse(
                f"{self._upstream} sent more than {self._most} bytes.", upstream=self._upstream
            )
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        """All of it. Raises `UpstreamBadResponse` where the compressed data has no end, or has more."""
        gunzip = self._gunzip
        if gunzip is not None and self._chunks and (gunzip.unused_data or not gunzip.eof):
            raise self._not_decompressed()
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def _gunzipped(self, gunzip: zlib._Decompress, raw: bytes) -> bytes:
        if gunzip.eof:
            raise self._not_decompressed()
        try:
            return gunzip.decompress(raw, self._left + 1)
        except zlib.error as problem:
            raise self._not_decompressed() from problem

    def _not_decompressed(self) -> errors.UpstreamBadResponse:
        return errors.UpstreamBadResponse(
            f"{self._upstream} sent an answer that cannot be decompressed.", upstream=self._upstream
        )
