"""Just enough SIP text for a test phone: messages, SDP and digest credentials (RFC 3261, 4566, 7616).

It is written from the RFCs and shares nothing with the product, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BRANCH = "z9hG4bK"
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
_COMPACT |= {"c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding", "r": "refer-to"}


@dataclass
class Message:
    """A request (`method` and `uri` set) or a response (`status` set); headers keep their order."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def is_request(self) -> bool:
        return bool(self.method)

    def all(self, name: str) -> list[str]:
        """The values of every header line of that name, in order."""
        return [value for key, value in self.headers if _canonical(key) == name.lower()]

    def get(self, name: str) -> str:
        """The first value of that header, or an empty string."""
        return next(iter(self.all(name)), "")

    def add(self, name: str, value: str) -> None:
        self.headers.append((name, value))

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.get("cseq").split()
        return int(number), method

    @property
    def branch(self) -> str:
        return parameter(self.get("via").split(",")[0], "branch")

    def encode(self) -> bytes:
        start = (
            f"{self.method} {self.uri} SIP/2.0" if self.is_request else f"SIP/2.0 {self.status} {self.reason}"
        )
        body = self.body.encode()
        lines = [
            start,
            *(f"{name}: {value}" for name, value in self.headers),
            f"Content-Length: {len(body)}",
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + body

    def __str__(self) -> str:
        return self.encode().decode(errors="replace")


def parse(data: bytes) -> Message:
    """Parse one whole message; ValueError when it is none."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode()).split("\r\n")
    message = Message(body=body.decode(errors="replace"))
    if lines[0].startswith("SIP/2.0 "):
        _, status, message.reason = (lines[0] + " ").split(" ", 2)
        message.status = int(status)
    else:
        message.method, message.uri, version = lines[0].split(" ")
        if version != "SIP/2.0":
            raise ValueError(f"not SIP: {lines[0]}")
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"not a header: {line}")
        message.headers.append((name.strip(), value.strip()))
    return message


def split_stream(buffer: bytearray) -> Iterator[bytes]:
    """Take whole messages off the front of a TCP buffer (by Content-Length; keep-alives are dropped)."""
    while True:
        while buffer[:2] == b"\r\n":
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", bytes(buffer[:end]))
        size = end + 4 + (int(found.group(1)) if found else 0)
        if len(buffer) < size:
            return
        data = bytes(buffer[:size])
        del buffer[:size]
        yield data


def parameter(value: str, name: str) -> str:
    """A header parameter outside <>: `parameter('<sip:a@b>;tag=7', 'tag')` is '7'."""
    outside = re.sub(r"<[^>]*>", "", value)
    found = re.search(rf";\s*{re.escape(name)}\s*=\s*\"?([^;,\"\s]*)", outside, re.IGNORECASE)
    return found.group(1) if found else ""


def uri_of(value: str) -> str:
    """The URI of a From, To, Contact, Route or Refer-To value."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";", maxsplit=1)[0].strip()


def user_of(value: str) -> str:
    """The user part of the URI in a header value or URI."""
    found = re.match(r"(?:sips?|tel):([^@;>]*)", uri_of(value))
    return found.group(1) if found else ""


def display_of(value: str) -> str:
    """The display name of a header value, without quotes."""
    return value.partition("<")[0].strip().strip('"')


@dataclass
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate line."""

    realm: str
    nonce: str
    algorithm: str
    qop: str
    stale: bool
    proxy: bool
    opaque: str = ""


def challenges(response: Message) -> list[Challenge]:
    """All digest challenges of a 401 or 407, in the order of the message."""
    found = []
    for name, proxy in (("www-authenticate", False), ("proxy-authenticate", True)):
        for value in response.all(name):
            fields = {key.lower(): quoted or bare for key, quoted, bare in _FIELD.findall(value)}
            found.append(
                Challenge(
                    fields.get("realm", ""),
                    fields.get("nonce", ""),
                    fields.get("algorithm", "MD5"),
                    fields.get("qop", ""),
                    fields.get("stale", "").lower() == "true",
                    proxy,
                    fields.get("opaque", ""),
                )
            )
    return found


def credentials(
    challenge: Challenge, username: str, password: str, method: str, uri: str, count: int = 1
) -> tuple[str, str]:
    """The header (name, value) that answers a challenge, with `count` as nonce count."""
    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[challenge.algorithm.upper()]

    def h(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ha1, ha2 = h(f"{username}:{challenge.realm}:{password}"), h(f"{method}:{uri}")
    fields = f'username="{username}", realm="{challenge.realm}", nonce="{challenge.nonce}", uri="{uri}"'
    if challenge.qop:
        cnonce, nc = secrets.token_hex(8), f"{count:08x}"
        response = h(f"{ha1}:{challenge.nonce}:{nc}:{cnonce}:auth:{ha2}")
        fields += f', qop=auth, nc={nc}, cnonce="{cnonce}"'
    else:
        response = h(f"{ha1}:{challenge.nonce}:{ha2}")
    fields += f', response="{response}", algorithm={challenge.algorithm}'
    if challenge.opaque:
        fields += f', opaque="{challenge.opaque}"'
    return ("Proxy-Authorization" if challenge.proxy else "Authorization"), f"Digest {fields}"


@dataclass
class Session:
    """What matters of an SDP body: where the audio goes and in which codecs and direction."""

    host: str
    port: int
    codecs: list[int]
    event_payload: int
    direction: str

    @property
    def held(self) -> bool:
        """Whether the other side wants no sound from us."""
        return self.direction in ("sendonly", "inactive") or self.host == "0.0.0.0"


_ENCODINGS = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000", 111: "opus/48000/2"}


def write_sdp(
    host: str,
    port: int,
    codecs: list[int],
    event_payload: int,
    direction: str,
    version: int,
    protocol: str = "RTP/AVP",
    attributes: Sequence[str] = (),
) -> str:
    """An SDP body with one audio stream (offer or answer); `attributes` are further ones of the stream."""
    payloads = [*codecs, event_payload] if event_payload else codecs
    address = f"IN IP{6 if ':' in host else 4} {host}"
    lines = ["v=0", f"o=- {port} {version} {address}", "s=-", f"c={address}", "t=0 0"]
    lines.append(f"m=audio {port} {protocol} {' '.join(map(str, payloads))}")
    lines += [f"a=rtpmap:{codec} {_ENCODINGS[codec]}" for codec in codecs]
    if event_payload:
        lines += [f"a=rtpmap:{event_payload} telephone-event/8000", f"a=fmtp:{event_payload} 0-15"]
    lines += [f"a={attribute}" for attribute in attributes]
    return "\r\n".join([*lines, "a=ptime:20", f"a={direction}", ""])


def read_sdp(body: str) -> Session:
    """Read the first audio stream of an SDP body; ValueError when there is none."""
    head, found, media = body.partition("m=audio ")
    if not found:
        raise ValueError(f"no audio in: {body!r}")
    line, _, rest = media.partition("\n")
    rest = rest.split("\nm=")[0]
    port, _, *payloads = line.split()
    host = re.search(r"^c=IN IP[46] (\S+)", rest, re.MULTILINE) or re.search(
        r"^c=IN IP[46] (\S+)", head, re.MULTILINE
    )
    event = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", rest, re.MULTILINE | re.IGNORECASE)
    pattern = r"^a=(sendrecv|sendonly|recvonly|inactive)\b"
    direction = re.search(pattern, rest, re.MULTILINE) or re.search(pattern, head, re.MULTILINE)
    if host is None:
        raise ValueError(f"no address in: {body!r}")
    event_payload = int(event.group(1)) if event else 0
    codecs = [int(payload) for payload in payloads if int(payload) in _ENCODINGS]
    return Session(
        host.group(1), int(port), codecs, event_payload, direction.group(1) if direction else "sendrecv"
    )


def _canonical(name: str) -> str:
    lowered = name.lower()
    return _COMPACT.get(lowered, lowered)


_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
