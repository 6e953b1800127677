"""Descriptions as browsers write them (taken from Chromium, shortened)."""

from __future__ import annotations

THEIRS = "sha-256 " + ":".join(["19"] * 32)
PWD = "Zf9mQ0F7Vn9p2u0oGqk5Vb3x"


def chromium(
    *,
    setup: str = "actpass",
    ufrag: str = "9uB6",
    direction: str = "sendrecv",
    version: int = 2,
    connection: str = "0.0.0.0",
) -> str:
    """What Chromium offers, or answers with another `setup`."""
    lines = [
        "v=0",
        f"o=- 4611731400430051336 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS f8a1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
        f"c=IN IP4 {connection}",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1467250027 1 udp 2122260223 d2f3-11.local 46243 typ host generation 0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{PWD}",
        "a=ice-options:trickle",
        f"a=fingerprint:{THEIRS}",
        f"a=setup:{setup}",
        "a=mid:0",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        f"a={direction}",
        "a=msid:f8a1 3bce",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:13 CN/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=rtpmap:126 telephone-event/8000",
        "a=ssrc:1741894107 cname:q1",
    ]
    return "\r\n".join([*lines, ""])
