"""Requests and responses with accessors that read a header field when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tongdai.sip.message.body import find_part
from tongdai.sip.message.errors import ParseError
from tongdai.sip.message.grammar import print_message, split_list
from tongdai.sip.message.headers import Headers, heads
from tongdai.sip.message.reasons import reason_phrase
from tongdai.sip.message.uri import SipUri
from tongdai.sip.message.values import AuthValue, CSeq, NameAddr, Via


class Message(msgspec.Struct, kw_only=True):
    """What requests and responses share.

    Typed accessors raise `ParseError` when the field is malformed and remember what they read: after changing
    `headers`, build a new message instead of asking again.
    """

    headers: Headers = msgspec.field(default_factory=Headers)
    body: bytes = b""
    _call_id: str | None = None
    _via: Via | None = None
    _cseq: CSeq | None = None
    _from: NameAddr | None = None
    _to: NameAddr | None = None
    _uri: SipUri | None = None

    # -- the five fields that every message has

    def _need(self, name: str) -> str:
        values = self.headers._fields.get(name)
        if values and values[0]:
            return values[0]
        raise ParseError(f"no {name}")

    @property
    def via(self) -> Via:
        """The topmost Via."""
        if self._via is None:
            first = self._need("Via")
            self._via = Via.parse(split_list(first)[0] if "," in first else first)
        return self._via

    def put_via(self, via: Via) -> None:
        """Put a Via before all others."""
        self.headers.put_first("Via", str(via))
        self._via = via

    @property
    def vias(self) -> list[Via]:
        """Every Via, the nearest first."""
        return [Via.parse(element) for element in self.headers.get_list("Via")]

    @property
    def from_(self) -> NameAddr:
        """From."""
        if self._from is None:
            self._from = NameAddr.parse(self._need("From"))
        return self._from

    @property
    def to(self) -> NameAddr:
        """To."""
        if self._to is None:
            self._to = NameAddr.parse(self._need("To"))
        return self._to

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self._call_id or self._need("Call-ID")

    @property
    def cseq(self) -> CSeq:
        """CSeq."""
        if self._cseq is None:
            self._cseq = CSeq.parse(self._need("CSeq"))
        return self._cseq

    # -- others, read at each call

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact; none for `*` (see `contact_is_star`)."""
        elements = self.headers.get_list("Contact")
        return [] if elements == ["*"] else [NameAddr.parse(element) for element in elements]

    @property
    def contact_is_star(self) -> bool:
        """`Contact: *`, which removes all bindings (RFC 3261 §10.2.2)."""
        return self.headers.get_all("Contact") == ["*"]

    @property
    def given_reason(self) -> str | None:
        """The whole Reason field (RFC 3326), which a CANCEL, a BYE or a refusal may have."""
        return ", ".join(self.headers.get_all("Reason")) or None

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact."""
        elements = self.headers.get_list("Contact")
        return NameAddr.parse(elements[0]) if elements and elements[0] != "*" else None

    @property
    def route(self) -> list[NameAddr]:
        """Route, the next hop first."""
        return [NameAddr.parse(element) for element in self.headers.get_list("Route")]

    @property
    def record_route(self) -> list[str]:
        """Record-Route as written, the hop nearest to the receiver of a request first."""
        return self.headers.get_list("Record-Route")

    def number(self, name: str, default: int | None = None) -> int | None:
        """A field that is a count of seconds or hops (Expires, Max-Forwards, Min-Expires); parameters are
        ignored."""
        value = self.headers.get(name)
        if value is None:
            return default
        digits = value.partition(";")[0].strip()
        if not (digits.isascii() and digits.isdigit()):
            raise ParseError(f"bad {name} {value[:40]!r}")
        return min(int(digits[:20]), 2**32 - 1)

    @property
    def expires(self) -> int | None:
        """Expires in seconds; beyond 2**32-1 reads as that (RFC 3261 §20.19)."""
        return self.number("Expires")

    def tokens(self, name: str) -> list[str]:
        """A list of option tags or methods (Require, Supported, Allow, Unsupported), in lower case."""
        return list(map(str.lower, self.headers.get_list(name)))

    def auth(self, name: str) -> list[AuthValue]:
        """Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate: one per line."""
        return [AuthValue.parse(line) for line in self.headers.get_all(name)]

    @property
    def content_type(self) -> str:
        """Content-Type in lower case without parameters, or an empty text."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def sdp(self) -> str | None:
        """The session description in the body, also from within a multipart body, or None."""
        if not self.body:
            return None
        part = find_part(self.body, self.headers.get("Content-Type") or "", "application/sdp")
        return None if part is None else part.decode("utf-8", "replace")

    # -- printing

    def start_line(self) -> str:
        """The first line."""
        raise NotImplementedError

    def __bytes__(self) -> bytes:
        """The message as it goes over the wire, with the Content-Length of its body.

        Raises ValueError when a header value would begin a new line.
        """
        return print_message(self.start_line(), self.headers._fields, self.body)

    def __repr__(self) -> str:
        return f"<{self.start_line()}>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Message)
            and self.start_line() == other.start_line()
            and self.headers == other.headers
            and self.body == other.body
        )

    __hash__ = None  # type: ignore[assignment]


class Request(Message):
    """A request. `target` is the Request-URI as written."""

    method: str
    target: str

    @property
    def uri(self) -> SipUri:
        """The Request-URI. Raises `ParseError`: 416 for a foreign scheme, 400 for headers inside it
        (§19.1.1)."""
        if self._uri is None:
            self._uri = SipUri.parse(self.target)
            if self._uri.headers:
                raise ParseError("headers in the Request-URI")
        return self._uri

    def start_line(self) -> str:
        """See `Message.start_line`."""
        return f"{self.method} {self.target} SIP/2.0"

    def response(
        self,
        status: int,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        to_tag: str | None = None,
    ) -> Response:
        """A response with the fields that RFC 3261 §8.2.6 copies; `to_tag` is added where To has none."""
        if to_tag is not None and self.to.tag:
            to_tag = None
        fields = heads.response(self.headers._fields, to_tag, headers)
        return Response(status, reason or reason_phrase(status), headers=Headers(fields), body=body)


class Response(Message):
    """A response."""

    status: int
    reason: str

    def start_line(self) -> str:
        """See `Message.start_line`."""
        return f"SIP/2.0 {self.status} {self.reason}"

    def retry_after(self, most: int) -> float:
        """Seconds that it asks to wait (§20.33), at most so many; 0 when it does not say."""
        text = (self.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
        return float(min(int(text), most)) if text.isdigit() and len(text) < 8 else 0.0
