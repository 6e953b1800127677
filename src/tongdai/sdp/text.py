"""SDP text to model and back (RFC 8866 §9)."""

from __future__ import annotations

import re

from tongdai.sdp.model import Attribute, Media, Origin, SdpError, SessionDescription

_origin = re.compile(r"(\S+) ([0-9]{1,20}) ([0-9]{1,20}) IN IP[46] (\S+)", re.ASCII | re.IGNORECASE).fullmatch
_connection = re.compile(r"IN IP[46] ([0-9A-Za-z.:_\-]+)(?:/[0-9/]+)?", re.ASCII | re.IGNORECASE).fullmatch
_media = re.compile(r"([A-Za-z0-9\-.+_]+) ([0-9]{1,5})(?:/[0-9]+)? ([A-Za-z0-9/\-.]+)((?: \S+)+)").fullmatch

_MAX_MEDIA = 32


def parse(text: str | bytes) -> SessionDescription:
    """Read a description; lines end with CRLF or LF. What this product never uses (b=, k=, e=, repeat
    times) is skipped.

    Raises `SdpError`.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        raise SdpError("a stray line end")  # a line end for some and not for others
    lines = text.rstrip("\n").split("\n")
    if len(lines) > 1 and len(lines[-1]) == 1 and not text.endswith("\n"):
        lines.pop()  # a router made it longer and left Content-Length: its end fell off
    if lines[0].rstrip() != "v=0":
        raise SdpError("a description begins with v=0")
    origin: Origin | None = None
    connection: str | None = None
    name = "-"
    attributes: list[Attribute] = []
    media: list[Media] = []
    here = attributes
    for line in lines[1:]:
        kind, value = line[:2], line[2:].rstrip(" \t")
        if kind == "a=":
            key, colon, rest = value.partition(":")
            here.append((key, rest if colon else None))
        elif kind == "m=":
            media.append(_parse_media(value))
            if len(media) > _MAX_MEDIA:
                raise SdpError("too many streams")
            here = media[-1].attributes
        elif kind == "c=":
            host = _parse_connection(value)
            if media:
                media[-1].connection = host
            else:
                connection = host
        elif kind == "o=" and not media:
            origin = _parse_origin(value)
        elif kind == "s=" and not media:
            name = value or "-"
        elif kind[1:] != "=" and line.strip(" \t"):
            raise SdpError(f"bad line {line[:40]!r}")
    if origin is None:
        raise SdpError("no origin (o=)")
    return SessionDescription(origin, connection, media, attributes, name)


def _parse_origin(value: str) -> Origin:
    found = _origin(value)
    if found is None:
        raise SdpError(f"bad origin {value[:60]!r}")
    return Origin(int(found[2]), int(found[3]), found[4], found[1])


def _parse_connection(value: str) -> str:
    found = _connection(value)
    if found is None:
        raise SdpError(f"bad connection line {value[:60]!r}")
    return found[1]


def _parse_media(value: str) -> Media:
    found = _media(value)
    if found is None or int(found[2]) > 65535:
        raise SdpError(f"bad media line {value[:60]!r}")
    return Media(found[1].lower(), int(found[2]), _protocol(found[3]), found[4].split(), None, [])


def _protocol(value: str) -> str:
    """RTP's are compared by others without their case; the rest is answered as it came (RFC 3264 §6)."""
    return value.upper() if "RTP" in value.upper() else value


def print_description(description: SessionDescription) -> str:
    """The text, with CRLF line ends. Raises `SdpError` when a value holds a line break."""
    origin = description.origin
    lines = [
        "v=0",
        f"o={origin.username} {origin.session_id} {origin.version} IN {_family(origin.host)} {origin.host}",
        f"s={description.name}",
    ]
    if description.connection is not None:
        lines.append(f"c=IN {_family(description.connection)} {description.connection}")
    lines.append("t=0 0")
    lines += _printed(description.attributes)
    for media in description.media:
        lines.append(f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}")
        if media.connection is not None:
            lines.append(f"c=IN {_family(media.connection)} {media.connection}")
        lines += _printed(media.attributes)
    lines.append("")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise SdpError("a line break inside a description")
    return text


def _printed(attributes: list[Attribute]) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]


def _family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"
