"""Finding one part of a body, multipart or not (RFC 5621, RFC 2046 §5.1)."""

from __future__ import annotations

import re

_boundary = re.compile(r'boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.ASCII | re.IGNORECASE).search
_part_type = re.compile(rb"^content-type[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE).search


def find_part(body: bytes, content_type: str, wanted: str) -> bytes | None:
    """The body when it is of type `wanted`, the first such part of a multipart body, or None."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == wanted:
        return body
    if not kind.startswith("multipart/"):
        return None
    found = _boundary(content_type)
    if found is None:
        return None
    delimiter = b"--" + (found[1] or found[2]).encode()
    for piece in (b"\r\n" + body).split(b"\r\n" + delimiter)[1:]:
        if piece.startswith(b"--"):
            return None
        head, blank, content = piece.partition(b"\r\n\r\n")
        described = _part_type(head)
        if blank and described and described[1].split(b";")[0].strip().lower() == wanted.encode():
            return content
    return None
