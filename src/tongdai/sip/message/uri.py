"""SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966)."""

from __future__ import annotations

import msgspec

from tongdai.sip.message.grammar import Params, print_uri, read_uri

_UNCOMPARED = frozenset({"user", "ttl", "method", "maddr", "transport"})


class SipUri(msgspec.Struct, frozen=True, eq=False):
    """A SIP, SIPS or tel URI with its escapes taken out.

    For tel, `user` is the number as written and `host` is empty. Parameter names are in lower case.
    `headers` are the embedded ones (`?Replaces=...`), in order. Compare with `equivalent`, not with ==.
    """

    host: str
    user: str | None = None
    port: int | None = None
    scheme: str = "sip"
    password: str | None = None
    params: Params = {}
    headers: list[tuple[str, str]] = []

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Raises `ParseError`; status 416 for a scheme that is not ours (RFC 3261 §8.2.2.1)."""
        return cls(*read_uri(text))

    def __str__(self) -> str:
        return print_uri(
            self.host, self.user, self.port, self.scheme, self.password, self.params, self.headers
        )

    @property
    def subscriber(self) -> str:
        """Whom the user part names, without the parameters that a telephone number may carry inside it
        (RFC 3261 §19.1.6): of `+84908123456;npdi@host` the number."""
        return (self.user or "").partition(";")[0]

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case."""
        value = self.params.get("transport")
        return value.lower() if value else None

    @property
    def lr(self) -> bool:
        """A loose router's URI (RFC 3261 §19.1.1)."""
        return "lr" in self.params

    def bare(self) -> SipUri:
        """Without parameters, headers and password: what identifies a person (an AOR)."""
        return SipUri(self.host, self.user, self.port, self.scheme)

    def equivalent(self, other: SipUri) -> bool:
        """The comparison of RFC 3261 §19.1.4: user with case, host without, default port is not no port."""
        if (self.scheme, self.user, self.password, self.host, self.port) != (
            other.scheme,
            other.user,
            other.password,
            other.host,
            other.port,
        ):
            return False
        mine, theirs = self.params, other.params
        for name in mine.keys() | theirs.keys():
            if name in mine and name in theirs:
                if (mine[name] or "").lower() != (theirs[name] or "").lower():
                    return False
            elif name in _UNCOMPARED:
                return False
        return sorted((n.lower(), v) for n, v in self.headers) == sorted(
            (n.lower(), v) for n, v in other.headers
        )
