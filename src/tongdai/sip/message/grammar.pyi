"""The grammar of SIP's text (RFC 3261 §25.1), in Rust: crates/sip-grammar.

What reads raises `ParseError` for what is against the grammar. What prints raises ValueError."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, Generic, TypeVar

BAD_VERSION: Final[str]
"""The error of a request in another version of SIP."""

Params = dict[str, str | None]
"""Parameters in order; names in lower case; None for a parameter without a value."""

_Via = tuple[str, str, int | None, Params]
_Address = tuple[str, str | None, Params]
_CSeq = tuple[int, str]

_V = TypeVar("_V")
_C = TypeVar("_C")
_A = TypeVar("_A")
_Fields = dict[str, list[str]]

class Heads(Generic[_V, _C, _A]):
    """Reads and makes heads of messages, with these names of fields and their short forms. Fields in `once`
    may not come twice, those in `loose` may have space before the colon. `values` make a Via, a CSeq and an
    address from what `read_via`, `read_cseq` and `read_address` give."""

    def __new__(
        cls,
        names: Sequence[str],
        compact: Mapping[str, str],
        once: Set[str],
        loose: Set[str],
        most: int,
        values: tuple[Callable[..., _V], Callable[..., _C], Callable[..., _A]],
    ) -> Heads[_V, _C, _A]: ...
    def read(
        self, data: bytes
    ) -> tuple[
        int, str, str, _Fields, bytes, str | None, _V | None, _C | None, _A | None, _A | None, str | None
    ]:
        """A message: 0, method and target of a request, or status, reason and nothing of a response; the
        fields in order, folded lines as one; the body, no longer than Content-Length says; Call-ID, the
        topmost Via, CSeq, From and To, but the last two not of a response to which no ACK of ours is due; and
        the first thing that is wrong with it, of which a request can be told.

        Raises `ParseError` when it cannot be said what kind of message it is."""

    def spelt(self, name: str) -> str:
        """The name of a field in the one way that it is written in: `v` and `VIA` are `Via`, `x-foo` is
        `X-Foo`."""

    def add(self, fields: _Fields, lines: Iterable[tuple[str, str]]) -> None:
        """Append lines to fields."""

    def response(self, request: _Fields, to_tag: str | None, lines: Iterable[tuple[str, str]]) -> _Fields:
        """The fields of a response: those that it repeats (RFC 3261 §8.2.6), its tag in To, and further
        lines."""

def print_message(start: str, fields: dict[str, list[str]], body: bytes) -> bytes:
    """A message as it goes over the wire; its fields get the Content-Length. Raises ValueError when one would
    begin a new line."""

def parse_params(text: str) -> Params:
    """Read `;a=1;b` (what follows a value): no parameter is empty or comes twice."""

def print_params(params: Params) -> str:
    """`{"a": "1", "b": None}` -> `;a=1;b`, quoting what is no token."""

def print_via(transport: str, host: str, port: int | None, params: Params) -> str:
    """An element of Via."""

def print_uri(
    host: str,
    user: str | None,
    port: int | None,
    scheme: str,
    password: str | None,
    params: Params,
    headers: list[tuple[str, str]],
) -> str:
    """What `read_uri` reads, with escapes where they are needed."""

def escape_user(user: str) -> str:
    """The user part of a URI as it is written (RFC 3261 §19.1.2)."""

def split_list(value: str) -> list[str]:
    """Split at the commas between elements: not those in quoted-strings or inside <>. No element is empty."""

def read_via(text: str) -> _Via:
    """Transport, host, port and parameters of an element of Via."""

def read_address(text: str) -> _Address:
    """URI, display name and parameters of a name-addr or addr-spec. Without angle brackets, parameters belong
    to the header field and `?` and `,` are errors (RFC 3261 §20)."""

def read_cseq(text: str) -> _CSeq:
    """Number, below 2**32, and method of a CSeq."""

def read_credentials(text: str) -> tuple[str, dict[str, str]]:
    """Scheme in lower case and parameters, unquoted, of a challenge or of credentials."""

def read_uri(
    text: str,
) -> tuple[str, str | None, int | None, str, str | None, Params, list[tuple[str, str]]]:
    """Host, user, port, scheme, password, parameters and headers of a SIP, SIPS or tel URI, escapes taken
    out. Status 416 for another scheme (RFC 3261 §8.2.2.1)."""

def parse_port(text: str | None) -> int | None:
    """A port number, 1..65535."""

def is_token(text: str) -> bool:
    """Whether it is a token."""

def quote(text: str) -> str:
    """A quoted-string."""

def unquote(text: str) -> str:
    """The content of a quoted-string; other text as it is."""
