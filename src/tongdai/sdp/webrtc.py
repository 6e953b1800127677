"""What browsers add to SDP: ICE (RFC 8839), DTLS-SRTP (RFC 5763, RFC 8842), BUNDLE (RFC 9143).

We are the lite side of ICE: one address, no checks of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from tongdai.sdp.model import Attribute, Ice, Media, SessionDescription

HANDSHAKEN = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
"""Protocols whose keys come of a handshake."""

Setup = Literal["active", "passive"]

_fingerprint = re.compile(r"[A-Za-z0-9-]+ [0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+", re.ASCII).fullmatch
_token = re.compile(r"[A-Za-z0-9+/]{4,256}", re.ASCII).fullmatch


class WebRtc(msgspec.Struct, frozen=True):
    """Our side of a stream whose peer proves itself."""

    fingerprint: str
    """Of the engine's certificate."""
    ice: Ice | None = None
    """None: the peer has no ICE, or is lite too; then its addresses in SDP hold."""
    setup: Setup | None = None
    """Our part in the handshake; None while we leave it to the peer (actpass)."""
    mid: str = "0"


class Secured(msgspec.Struct, frozen=True):
    """What both sides agree on for such a stream."""

    setup: Setup
    """Our part in the handshake."""
    fingerprints: tuple[str, ...]
    """Of the peer's certificate; one of them has to be right."""
    ice: Ice | None = None
    """Ours."""
    remote_ice: Ice | None = None


class Theirs(msgspec.Struct, frozen=True):
    """The peer's side of such a stream, as its description has it."""

    setup: str
    fingerprints: tuple[str, ...]
    ice: Ice | None
    mid: str | None


def read(description: SessionDescription, media: Media) -> Theirs | None:
    """The peer's side; None when the stream is none that the engine can carry: it has to have a fingerprint,
    and RTCP on the same port (a second handshake for RTCP is nothing that anybody does any more)."""
    both = (*media.attributes, *description.attributes)
    # Several fingerprints of a stream may be of one certificate or of several (RFC 8122 §5).
    prints = _all(media.attributes, "fingerprint") or _all(description.attributes, "fingerprint")
    prints = [text for text in prints if _fingerprint(text)]
    if not prints or not any(name == "rtcp-mux" for name, _ in media.attributes):
        return None
    ufrag, pwd = _first(both, "ice-ufrag"), _first(both, "ice-pwd")
    ice = None
    # Two lite sides would wait for each other's checks: they go by their addresses (RFC 8445 §6.1.1).
    if _token(ufrag) and _token(pwd) and not any(name == "ice-lite" for name, _ in both):
        ice = Ice(ufrag, pwd)
    return Theirs(
        _first(both, "setup") or "active", tuple(prints), ice, _first(media.attributes, "mid") or None
    )


def read_own(media: Media) -> WebRtc:
    """Our side of a stream that we offered."""
    about = media.attributes
    ufrag, setup = _first(about, "ice-ufrag"), _first(about, "setup")
    return WebRtc(
        _first(about, "fingerprint"),
        Ice(ufrag, _first(about, "ice-pwd")) if ufrag else None,
        setup if setup in ("active", "passive") else None,  # type: ignore[arg-type]
        _first(about, "mid"),
    )


def part(setup: str, before: Setup | None) -> Setup | None:
    """Our part in the handshake when the peer offers `setup`: what it was `before`, where the peer leaves it
    to us, or else passive (RFC 8842 §5.3). None: it makes no sense."""
    if setup == "actpass":
        return before or "passive"
    return {"active": "passive", "passive": "active"}.get(setup)  # type: ignore[return-value]


def answered(setup: str, offered: Setup | None) -> Setup | None:
    """Our part when the peer answers our offer with `setup`. None: it takes the same part as we."""
    ours = part(setup, None) if setup != "actpass" else None
    return ours if offered in (None, ours) else None


def attributes(local: WebRtc, host: str, port: int) -> list[Attribute]:
    """What a stream of ours says of it."""
    out: list[Attribute] = [("mid", local.mid), ("rtcp-mux", None)]
    if local.ice is not None:
        out += [
            ("ice-ufrag", local.ice.ufrag),
            ("ice-pwd", local.ice.pwd),
            ("candidate", f"1 1 UDP 2130706431 {host} {port} typ host"),
            ("end-of-candidates", None),
        ]
    return [
        *out,
        ("fingerprint", local.fingerprint),
        ("setup", local.setup or "actpass"),
        ("msid", "tongdai audio"),  # a page gets the sound as a stream, not as a bare track (RFC 8830)
    ]


def session_attributes(local: WebRtc, bundled: bool) -> list[Attribute]:
    """What the whole description says of it."""
    group: list[Attribute] = [("group", f"BUNDLE {local.mid}")] if bundled else []
    return [*group, *([("ice-lite", None)] if local.ice is not None else [])]


def is_bundled(description: SessionDescription, mid: str | None) -> bool:
    """Whether the peer offered to bundle the stream with this mid."""
    groups = (value.split() for value in _all(description.attributes, "group"))
    return any(group[:1] == ["BUNDLE"] and mid in group[1:] for group in groups)


def _all(attributes: Sequence[Attribute], name: str) -> list[str]:
    return [value for key, value in attributes if key == name and value]


def _first(attributes: Sequence[Attribute], name: str) -> str:
    return next(iter(_all(attributes, name)), "")
