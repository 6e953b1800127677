"""A session description as data (RFC 8866)."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Literal

import msgspec

from tongdai.sdp.codecs import STATIC, Codec

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
_DIRECTION: dict[str, Direction] = {direction: direction for direction in DIRECTIONS}

Attribute = tuple[str, str | None]
"""`a=name:value`, or `a=name` with None."""


class Ice(msgspec.Struct, frozen=True):
    """Credentials of one side of ICE (RFC 8839 §5.4)."""

    ufrag: str
    pwd: str

    def __repr__(self) -> str:
        """For a log: without the password."""
        return f"Ice({self.ufrag!r}, …)"


class SdpError(ValueError):
    """A description that cannot be used; the text says why (answer 400, or 488 for `NotAcceptable`)."""


class Origin(msgspec.Struct, frozen=True):
    """o= names the session and counts its changes (RFC 8866 §5.2)."""

    session_id: int
    version: int
    host: str
    username: str = "-"


class Media(msgspec.Struct, dict=True):
    """One m= section. `port` 0 means refused or removed; `connection` overrides the session's c= line. Its
    attributes stay as they are once it was asked what they say."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    connection: str | None = None
    attributes: list[Attribute] = []

    @cached_property
    def said(self) -> dict[str, str | None]:
        """The value of each attribute; of several with one name, that of the first."""
        return dict(reversed(self.attributes))

    def direction(self) -> Direction | None:
        """Its own direction attribute, if it has one."""
        return find_direction(self.attributes)

    @cached_property
    def codecs(self) -> tuple[Codec, ...]:
        """The formats that have a meaning, in order: an rtpmap, or a static number (RFC 3551 §6)."""
        about = tuple([one for one in self.attributes if one[0] in ("rtpmap", "fmtp")])
        return _read_codecs(tuple(self.formats), about)

    @property
    def ptime(self) -> int | None:
        """a=ptime in milliseconds."""
        value = self.said.get("ptime")
        return (
            int(value)
            if value and value.isascii() and value.isdigit() and 0 < int(value[:6]) <= 200
            else None
        )


class SessionDescription(msgspec.Struct):
    """The whole description. `str()` gives its text."""

    origin: Origin
    connection: str | None = None
    """Host of the session's c= line."""
    media: list[Media] = []
    attributes: list[Attribute] = []
    name: str = "-"

    def host_of(self, media: Media) -> str:
        """Where to send that stream. Raises `SdpError` when no c= line says."""
        host = media.connection or self.connection
        if not host:
            raise SdpError("no connection address (c=) for a stream")
        return host

    def direction_of(self, media: Media) -> Direction:
        """The direction of a stream as its author says it; a null address is an author that does not listen
        (the hold of RFC 2543)."""
        direction = media.direction() or find_direction(self.attributes) or "sendrecv"
        if is_null(self.host_of(media)) and not self._has_ice(media):
            return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"
        return direction

    def _has_ice(self, media: Media) -> bool:
        """With ICE, no address yet is no hold (RFC 8839 §4.3.1)."""
        return any(name == "ice-ufrag" for name, _ in (*media.attributes, *self.attributes))

    @property
    def ice(self) -> Ice | None:
        """The credentials of the first stream that has some."""
        for media in self.media:
            about = dict((*self.attributes, *media.attributes))
            ufrag, pwd = about.get("ice-ufrag"), about.get("ice-pwd")
            if ufrag and pwd:
                return Ice(ufrag, pwd)
        return None

    def __str__(self) -> str:
        from tongdai.sdp.text import print_description

        return print_description(self)


def is_null(host: str) -> bool:
    """0.0.0.0 and ::, the address of somebody who does not want to be sent anything."""
    return host in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")


def find_direction(attributes: list[Attribute]) -> Direction | None:
    """The last direction among attributes."""
    return next((_DIRECTION[name] for name, _ in reversed(attributes) if name in _DIRECTION), None)


@lru_cache(maxsize=128)
def _read_codecs(formats: tuple[str, ...], about: tuple[Attribute, ...]) -> tuple[Codec, ...]:
    """See `Media.codecs`. A phone says the same in every call."""
    maps: dict[str, str] = {}
    fmtps: dict[str, str] = {}
    for name, value in about:
        if value is not None:
            number, _, rest = value.partition(" ")
            (maps if name == "rtpmap" else fmtps).setdefault(number, rest.strip())
    out = []
    for number in formats:
        if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) < 128):
            continue
        name, clock_rate, channels = _parse_rtpmap(maps.get(number)) or STATIC.get(int(number), ("", 0, 0))
        if name:
            out.append(Codec(name, clock_rate, int(number), channels, fmtps.get(number)))
    return tuple(out)


def _parse_rtpmap(text: str | None) -> tuple[str, int, int] | None:
    if text is None:
        return None
    name, _, rest = text.partition("/")
    rate, _, channels = rest.partition("/")
    if (
        not name
        or not rate.isdecimal()
        or len(rate) > 7
        or (channels and (not channels.isdecimal() or len(channels) > 2))
    ):
        return None
    return name, int(rate), int(channels or 1)
