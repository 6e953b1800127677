"""Digest authentication, both sides (RFC 7616, RFC 3261 §22, RFC 8760)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Literal

import msgspec

from tongdai.sip.message import Request, Response

Algorithm = Literal["MD5", "SHA-256"]


def ha1(username: str, realm: str, password: str, algorithm: Algorithm) -> str:
    """H(username:realm:password) in hex: the form in which a password is stored, one per algorithm."""
    raise NotImplementedError


class Verdict(Enum):
    """What `DigestServer.verify` found."""

    OK = "ok"
    MISSING = "missing"
    """No Authorization for our realm: challenge."""
    STALE = "stale"
    """Right or wrong, the nonce is old, unknown or its count was used: challenge with stale=true."""
    WRONG = "wrong"
    """User name or password do not fit; both look alike and cost the same time."""
    MALFORMED = "malformed"
    """400."""


class Authorization(msgspec.Struct, frozen=True):
    """The result of `verify`; `username` is a claim unless the verdict is OK."""

    verdict: Verdict
    username: str = ""


class DigestServer:
    """Challenges and verifies. Nonces are signed, not stored; what is kept is the highest count of each live nonce."""

    def __init__(self, secret: bytes, *, nonce_seconds: float = 60.0, max_nonces: int = 200_000) -> None:
        """`secret` (32 bytes) may be shared by processes and should outlive a restart, since nonces are signed with it."""
        raise NotImplementedError

    def challenge(
        self, realm: str, now: float, *, algorithms: Sequence[Algorithm] = ("MD5",), stale: bool = False, proxy: bool = False
    ) -> list[tuple[str, str]]:
        """The header fields of a 401 (or of a 407 when `proxy`), one per algorithm in the order given."""
        raise NotImplementedError

    def verify(
        self,
        request: Request,
        realm: str,
        now: float,
        lookup: Callable[[str], Mapping[Algorithm, str] | None],
        *,
        algorithms: Sequence[Algorithm] = ("MD5",),
        proxy: bool = False,
    ) -> Authorization:
        """Check Authorization (Proxy-Authorization when `proxy`). `lookup(username)` gives the stored HA1 of each
        algorithm, or None for a name that does not exist."""
        raise NotImplementedError


class Credentials(msgspec.Struct, frozen=True):
    """What we are at a carrier. `realm` None answers any realm of that carrier; give it to be strict."""

    username: str
    password: str
    realm: str | None = None


class DigestClient:
    """Answers challenges with one set of credentials, counting nc per nonce."""

    def __init__(self, credentials: Credentials, cnonce: Callable[[], str]) -> None:
        raise NotImplementedError

    def answer(self, response: Response, method: str, uri: str, body: bytes = b"") -> tuple[str, str] | None:
        """The header field for the repeated request, or None when the challenge cannot or must not be answered."""
        raise NotImplementedError
