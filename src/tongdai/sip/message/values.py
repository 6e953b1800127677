"""Typed values of header fields."""

from __future__ import annotations

import re

import msgspec

from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import (
    Params,
    is_token,
    parse_params,
    print_params,
    print_via,
    quote,
    read_address,
    read_credentials,
    read_cseq,
    read_via,
)
from tongdai.sip.message.uri import SipUri

_reason = re.compile(r"([^\s;]+)\s*(;.*)?", re.DOTALL).fullmatch


class Via(msgspec.Struct):
    """One element of Via (RFC 3261 §20.42). `host` is lower case, IPv6 without brackets."""

    transport: str
    host: str
    port: int | None
    params: Params

    @classmethod
    def parse(cls, text: str) -> Via:
        """Raises `ParseError`."""
        return cls(*read_via(text))

    @property
    def branch(self) -> str:
        """The branch parameter, or an empty text."""
        return self.params.get("branch") or ""

    def __str__(self) -> str:
        return print_via(self.transport, self.host, self.port, self.params)


class NameAddr(msgspec.Struct):
    """A name-addr or addr-spec with header parameters: From, To, Contact, Route, Refer-To ... The URI is
    read lazily."""

    uri_text: str
    """The URI as written."""
    display: str | None = None
    """The display name without quotes, or None."""
    params: Params = {}
    """Parameters of the header field, not of the URI."""
    _uri: SipUri | None = None

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Raises `ParseError`. Without angle brackets, parameters belong to the header field and `?` and
        `,` are errors (RFC 3261 §20)."""
        return cls(*read_address(text))

    @property
    def uri(self) -> SipUri:
        """The URI. Raises `ParseError`, with status 416 for a scheme that is not SIP, SIPS or tel."""
        if self._uri is None:
            self._uri = SipUri.parse(self.uri_text)
        return self._uri

    @property
    def tag(self) -> str:
        """The tag parameter, or an empty text."""
        return self.params.get("tag") or ""

    def without_params(self) -> str:
        """Display name and URI only, as they are written."""
        if self.display is None:
            return f"<{self.uri_text}>"
        return f"{quote(self.display)} <{self.uri_text}>"

    def __str__(self) -> str:
        return self.without_params() + print_params(self.params)

    def __repr__(self) -> str:
        return f"NameAddr({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameAddr) and str(self) == str(other)

    __hash__ = None  # type: ignore[assignment]


class CSeq(msgspec.Struct, frozen=True):
    """CSeq (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Raises `ParseError`; numbers end below 2**32 (§8.1.1.5 asks for 2**31, some count further)."""
        return cls(*read_cseq(text))

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class AuthValue(msgspec.Struct, frozen=True):
    """A challenge or credentials: scheme in lower case, parameters with names in lower case, unquoted."""

    scheme: str
    params: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> AuthValue:
        """Raises `ParseError`, also for a parameter given twice."""
        return cls(*read_credentials(text))


class Replaces(msgspec.Struct, frozen=True):
    """Which dialog to replace, with the tags as the receiver of the header sees them (RFC 3891 §3)."""

    call_id: str
    to_tag: str
    """Local tag at the receiver."""
    from_tag: str
    """Remote tag at the receiver."""
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Raises `ParseError`."""
        call_id, _, rest = text.partition(";")
        params = parse_params(";" + rest) if rest else {}
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id.strip() or not to_tag or not from_tag:
            raise ParseError("Replaces needs a Call-ID, to-tag and from-tag")
        if not is_token(to_tag) or not is_token(from_tag):
            raise ParseError("a tag in Replaces is no token")
        return cls(call_id.strip(), to_tag, from_tag, "early-only" in params)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


class Reason(msgspec.Struct, frozen=True):
    """Why a request was sent (RFC 3326): protocol `SIP` with a status or `Q.850` with a cause."""

    protocol: str
    cause: int | None = None
    text: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Raises `ParseError`."""
        found = _reason(text.strip())
        if found is None or not is_token(found[1]):
            raise ParseError(f"bad Reason {text[:60]!r}")
        params = parse_params(found[2]) if found[2] else {}
        cause = params.get("cause") or ""
        return cls(found[1], int(cause) if cause.isdecimal() and len(cause) < 6 else None, params.get("text"))

    def __str__(self) -> str:
        out = self.protocol
        if self.cause is not None:
            out += f";cause={self.cause}"
        if self.text is not None:
            out += f";text={quote(self.text)}"
        return out
