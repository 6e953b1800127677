"""How a batch lies in a file: 4 bytes of length and 4 of CRC-32 (both big-endian, both of what follows),
then a msgpack list of `[key, value]`, where a value of nil removes the key."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import msgspec

Entry = tuple[str, bytes | None]

_HEADER = 8
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


def encode(batch: Iterable[Entry]) -> bytes:
    """One frame."""
    body = _encoder.encode(list(batch))
    return len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body


def decode(data: bytes | memoryview) -> Iterator[tuple[int, list[Entry]]]:
    """Every whole frame from the beginning, with the offset of its end. Stops, without an error, at the
    first that is cut off or does not match its checksum: nothing behind it can be trusted."""
    view = memoryview(data)
    start = 0
    while len(view) - start >= _HEADER:
        size = int.from_bytes(view[start : start + 4], "big")
        body = view[start + _HEADER : start + _HEADER + size]
        if len(body) < size or zlib.crc32(body) != int.from_bytes(view[start + 4 : start + 8], "big"):
            return
        try:
            batch = _decoder.decode(body)
        except msgspec.DecodeError:
            return
        start += _HEADER + size
        yield start, batch
