"""Digest authentication, both sides (RFC 7616, RFC 3261 §22, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Literal

import msgspec

from tongdai.sip.message import AuthValue, ParseError, Request, Response, SipUri, quote

Algorithm = Literal["MD5", "SHA-256"]

_HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_NO_SUCH_USER = {"MD5": "0" * 32, "SHA-256": "0" * 64}


def _hash(text: str, algorithm: str) -> str:
    return _HASHES[algorithm](text.encode()).hexdigest()


def ha1(username: str, realm: str, password: str, algorithm: Algorithm) -> str:
    """H(username:realm:password) in hex: the form in which a password is stored, one per algorithm."""
    return _hash(f"{username}:{realm}:{password}", algorithm)


def _response(
    stored: str, params: Mapping[str, str], method: str, uri: str, algorithm: str, qop: str | None
) -> str:
    """The `response` of RFC 7616 §3.4.1; without qop that of RFC 2069, which old phones send."""
    a2 = _hash(f"{method}:{uri}", algorithm)
    if qop is None:
        return _hash(f"{stored}:{params['nonce']}:{a2}", algorithm)
    middle = f"{params['nonce']}:{params['nc']}:{params['cnonce']}:{qop}"
    return _hash(f"{stored}:{middle}:{a2}", algorithm)


class Verdict(Enum):
    """What `DigestServer.verify` found."""

    OK = "ok"
    MISSING = "missing"
    """No credentials for our realm and one of our nonces: challenge."""
    STALE = "stale"
    """The password fits, but the nonce is too old or its count was used before: challenge with stale=true."""
    WRONG = "wrong"
    """User name or password do not fit, or the digest is of another request. All look alike and take the
    same time."""
    MALFORMED = "malformed"
    """400."""


class Authorization(msgspec.Struct, frozen=True):
    """The result of `verify`; `username` is a claim unless the verdict is OK."""

    verdict: Verdict
    username: str = ""


class DigestState(msgspec.Struct, frozen=True):
    """What a `DigestServer` knows of its nonces, for one with the same secret that goes on in its place."""

    issued: int
    counts: dict[str, int]
    older_counts: dict[str, int]
    rotate_at: float
    not_before: float


class DigestServer:
    """Challenges and verifies.

    Nonces are signed, not stored; what is kept is the highest count of each nonce that was used with a right
    password, for as long as the nonce lives. When that outgrows `max_nonces`, all nonces issued so far are
    stale.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        nonce_seconds: float = 60.0,
        max_nonces: int = 200_000,
        not_before: float = float("-inf"),
    ) -> None:
        """`secret` (32 random bytes, at most 64) signs the nonces. Of a process before this one, with the
        same secret, the counts are forgotten: its nonces, from before `not_before`, are stale, and a phone
        that has the right password is told so and tries again by itself; unless `go_on` knows the counts."""
        self._secret = secret
        self._nonce_seconds = nonce_seconds
        self._max_nonces = max_nonces
        self._issued = 0
        self._counts: dict[str, int] = {}
        self._older_counts: dict[str, int] = {}
        self._rotate_at = 0.0
        self._not_before = not_before
        self._looked_at: tuple[str, str, float | None] = ("", "", None)
        """The last nonce, for whom, and when it was issued: who asks `issued` mostly asks `verify` next."""

    @property
    def state(self) -> DigestState:
        """For the one that goes on in the place of this; the times are those of the same clock."""
        return DigestState(
            self._issued,
            self._counts,
            self._older_counts,
            self._rotate_at,
            self._not_before,
        )

    def go_on(self, state: DigestState) -> None:
        """Know what another one knew, which answers nobody any more."""
        self._issued = state.issued
        self._counts, self._older_counts = dict(state.counts), dict(state.older_counts)
        self._rotate_at, self._not_before = state.rotate_at, state.not_before

    def challenge(
        self,
        realm: str,
        now: float,
        *,
        algorithms: Sequence[Algorithm] = ("MD5",),
        stale: bool = False,
        proxy: bool = False,
        source: str = "",
    ) -> list[tuple[str, str]]:
        """The header fields of a 401 (or of a 407 when `proxy`), one per algorithm in the order given.

        What answers them must give the same `source`, e.g. the IP address it comes from: who forges an
        address cannot then try passwords in its name."""
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        self._issued += 1
        nonce = self._sign(f"{int(now * 1000):x}-{self._issued:x}", f"{realm}:{source}")
        tail = ", stale=true" if stale else ""
        return [
            (name, f'Digest realm={quote(realm)}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}')
            for algorithm in algorithms
        ]

    def verify(
        self,
        request: Request,
        realm: str,
        now: float,
        lookup: Callable[[str], Mapping[Algorithm, str] | None],
        *,
        algorithms: Sequence[Algorithm] = ("MD5",),
        proxy: bool = False,
        source: str = "",
    ) -> Authorization:
        """Check Authorization (Proxy-Authorization when `proxy`).

        `lookup(username)` gives the stored HA1 of each algorithm, or None for a name that does not exist.
        """
        try:
            given = request.auth("Proxy-Authorization" if proxy else "Authorization")
        except ParseError:
            return Authorization(Verdict.MALFORMED)
        value = next((v for v in given if v.scheme == "digest" and v.params.get("realm") == realm), None)
        if value is None:
            return Authorization(Verdict.MISSING)
        params = value.params
        username = params.get("username", "")
        algorithm: Algorithm | None = next(
            (known for known in algorithms if known == params.get("algorithm", "MD5").upper()), None
        )
        qop = params.get("qop")
        count = _count(params)
        if (
            not username
            or "response" not in params
            or "uri" not in params
            or count is None
            or qop not in (None, "auth")
        ):
            return Authorization(Verdict.MALFORMED, username)
        issued = self._issued_at(params.get("nonce", ""), f"{realm}:{source}")
        if issued is None or algorithm is None:
            return Authorization(Verdict.MISSING, username)
        stored = (lookup(username) or {}).get(algorithm)
        expected = _response(
            stored or _NO_SUCH_USER[algorithm], params, request.method, params["uri"], algorithm, qop
        )
        right = hmac.compare_digest(expected.encode(), params["response"].lower().encode())
        if not right or stored is None or not _covers(params["uri"], request):
            return Authorization(Verdict.WRONG, username)
        if not 0 <= now - issued <= self._nonce_seconds or issued < self._not_before:
            return Authorization(Verdict.STALE, username)
        if not self._count_is_new(params["nonce"], count, now):
            return Authorization(Verdict.STALE, username)
        return Authorization(Verdict.OK, username)

    def issued(self, nonce: str, realm: str, *, source: str = "") -> bool:
        """Whether the nonce is from a challenge of ours for this realm and source, however long ago."""
        return self._issued_at(nonce, f"{realm}:{source}") is not None

    def _sign(self, stem: str, whom: str) -> str:
        signed = hashlib.blake2b(f"{stem}:{whom}".encode(), key=self._secret, digest_size=12)
        return f"{stem}-{b2a_base64(signed.digest(), newline=False).decode()}"

    def _issued_at(self, nonce: str, whom: str) -> float | None:
        """When we issued the nonce (seconds), or None when we did not."""
        known, who, issued = self._looked_at
        if nonce != known or whom != who:
            issued = self._read_nonce(nonce, whom)
            self._looked_at = nonce, whom, issued
        return issued

    def _read_nonce(self, nonce: str, whom: str) -> float | None:
        stem, _, _ = nonce.rpartition("-")
        millis, dash, _ = stem.partition("-")
        if not dash or not nonce.isascii() or not hmac.compare_digest(self._sign(stem, whom), nonce):
            return None
        return int(millis, 16) / 1000

    def _count_is_new(self, nonce: str, count: int, now: float) -> bool:
        """Note the count. Two generations of a nonce's lifetime each: none is forgotten while it is valid."""
        if now >= self._rotate_at:
            self._older_counts = self._counts if now < self._rotate_at + self._nonce_seconds else {}
            self._counts = {}
            self._rotate_at = now + self._nonce_seconds
        highest = self._counts.get(nonce) or self._older_counts.get(nonce, 0)
        if count <= highest:
            return False
        if len(self._counts) + len(self._older_counts) >= self._max_nonces and not highest:
            self._counts = {}
            self._older_counts = {}
            self._not_before = now
            return False
        self._counts[nonce] = count
        return True


def _count(params: Mapping[str, str]) -> int | None:
    """nc as a number; 1 without qop, so that such a nonce serves once."""
    if "qop" not in params:
        return 1
    text = params.get("nc", "")
    if "cnonce" not in params or not 1 <= len(text) <= 8:
        return None
    try:
        return int(text, 16)
    except ValueError:
        return None


def _covers(uri: str, request: Request) -> bool:
    """The digest is of this Request-URI. One without a user names the server alone (SIPp and some phones
    do so)."""
    if uri == request.target:
        return True
    try:
        claimed, asked = SipUri.parse(uri), request.uri
    except ParseError:
        return False
    return claimed.user is None or (claimed.user == asked.user and claimed.host == asked.host)


class Credentials(msgspec.Struct, frozen=True):
    """What we are at a carrier. `realm` None answers any realm of that carrier; give it to be strict. `at`
    are the addresses that may challenge; None: whoever was asked."""

    username: str
    password: str
    realm: str | None = None
    at: frozenset[tuple[str, int]] | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ***)"

    def are_for(self, address: tuple[str, int]) -> bool:
        """Whether a challenge that comes from there may be answered: a digest is as good as a password to
        who has the time to guess."""
        return self.at is None or address in self.at


class DigestClient:
    """Answers the challenges that one request meets."""

    __slots__ = ("_cnonce", "_credentials", "_nonce")

    def __init__(self, credentials: Credentials, cnonce: Callable[[], str]) -> None:
        self._credentials = credentials
        self._cnonce = cnonce
        self._nonce = ""

    def answer(self, response: Response, method: str, uri: str) -> tuple[str, str] | None:
        """The header field for the repeated request.

        None when the challenge cannot be answered (another realm, no algorithm or qop of ours) or was
        answered before and refused: the same nonce again, or a new one that does not say stale.
        """
        proxy = response.status == 407
        challenge = self._choose(response, "Proxy-Authenticate" if proxy else "WWW-Authenticate")
        if challenge is None:
            return None
        params = challenge.params
        nonce = params["nonce"]
        if self._nonce and (nonce == self._nonce or params.get("stale", "").lower() != "true"):
            return None
        self._nonce = nonce
        algorithm: Algorithm = "SHA-256" if params.get("algorithm", "").upper() == "SHA-256" else "MD5"
        realm = params["realm"]
        name = self._credentials.username
        fields = {"nonce": nonce, "nc": "00000001", "cnonce": self._cnonce()}
        qop = "auth" if "qop" in params else None
        stored = ha1(name, realm, self._credentials.password, algorithm)
        result = _response(stored, fields, method, uri, algorithm, qop)
        out = (
            f"Digest username={quote(name)}, realm={quote(realm)}, nonce={quote(nonce)}, uri={quote(uri)}, "
            f'response="{result}", algorithm={algorithm}'
        )
        if qop:
            out += f', qop=auth, nc={fields["nc"]}, cnonce="{fields["cnonce"]}"'
        if "opaque" in params:
            out += f", opaque={quote(params['opaque'])}"
        return "Proxy-Authorization" if proxy else "Authorization", out

    def _choose(self, response: Response, name: str) -> AuthValue | None:
        """The topmost challenge that we can answer (RFC 8760 §2.4)."""
        try:
            challenges = response.auth(name)
        except ParseError:
            return None
        for challenge in challenges:
            params = challenge.params
            if (
                challenge.scheme == "digest"
                and "nonce" in params
                and "realm" in params
                and self._credentials.realm in (None, params["realm"])
                and params.get("algorithm", "MD5").upper() in _HASHES
                and ("qop" not in params or "auth" in [q.strip() for q in params["qop"].lower().split(",")])
            ):
                return challenge
        return None
