"""The servers that help a browser to be reached (STUN, RFC 8489) or carry its sound (TURN, RFC 8656)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import msgspec

SECONDS = 3600
"""How long credentials can be used to begin a call; one that has begun goes on."""

_URL = re.compile(
    r"(?:stuns?|turns?):(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<transport>\?transport=(?:udp|tcp))?",
    re.IGNORECASE,
)


def read_turn_urls(text: str) -> tuple[str, ...]:
    """Read `turn:turn.example.net:3478, turns:turn.example.net?transport=tcp` (RFC 7064, RFC 7065). Raises
    ValueError saying what is wrong."""
    urls = tuple(filter(None, (part.strip() for part in text.split(","))))
    for url in urls:
        found = _URL.fullmatch(url)
        if found is None or int(found["port"] or 1) not in range(1, 65536):
            raise ValueError(
                f"{url!r} is no address of a TURN or STUN server; write e.g. turn:turn.example.net:3478"
            )
        if found["transport"] and url.lower().startswith("stun"):
            raise ValueError(f"{url!r}: only TURN takes a transport")
    return urls


class TurnServers(msgspec.Struct, frozen=True):
    """What the provider has set. With `secret`, which the servers share (coturn: `use-auth-secret`),
    everybody gets credentials of his own that end; else all get `username` and `password`."""

    urls: tuple[str, ...] = ()
    secret: str = ""
    username: str = ""
    password: str = ""

    def credentials(self, who: str, now: float) -> tuple[str, str, float]:
        """User name, password and end (seconds since 1970) for `who`, whose id then stands in the server's
        log (draft-uberti-behave-turn-rest-00 §2.2)."""
        end = now + SECONDS
        if not self.secret:
            return self.username, self.password, end
        username = f"{int(end)}:{who}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return username, base64.b64encode(digest).decode(), end


def check_turn(servers: TurnServers) -> None:
    """Raises ValueError when these settings do not go together."""
    relays = any(url.lower().startswith("turn") for url in servers.urls)
    static = bool(servers.username or servers.password)
    if servers.secret and static:
        raise ValueError("a secret and a fixed user name exclude each other")
    if bool(servers.username) != bool(servers.password):
        raise ValueError("a user name and a password belong together")
    if relays and not (servers.secret or static):
        raise ValueError("a TURN server wants a secret, or a user name and a password")
    if (servers.secret or static) and not relays:
        raise ValueError("there is no TURN server that these credentials are for")
