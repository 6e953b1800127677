"""Header fields of a message: names without case, values as text, split and typed only when asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tongdai.sip.message.grammar import Heads, split_list
from tongdai.sip.message.values import CSeq, NameAddr, Via

_NAMES = """Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Answer-Mode
Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding
Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires Feature-Caps
Flow-Timer From Geolocation History-Info Identity Identity-Info In-Reply-To Info-Package Join Max-Forwards
MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info P-Answer-State P-Asserted-Identity
P-Associated-URI P-Called-Party-ID P-Charging-Vector P-Early-Media P-Preferred-Identity Path Priority Privacy
Priv-Answer-Mode Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info
Refer-Sub Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require
Retry-After Route RSeq Security-Client Security-Server Security-Verify Server Service-Route Session-Expires
Session-ID SIP-ETag SIP-If-Match Subject Subscription-State Supported Target-Dialog Timestamp To
Unsupported User-Agent User-to-User Via Warning WWW-Authenticate""".split()

# RFC 3261 §7.3.3 and the IANA registry of compact forms
_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}


_ONCE = frozenset(
    """Call-ID Content-Disposition Content-Length Content-Type CSeq Event Expires From Max-Forwards
    Min-Expires MIME-Version RAck Refer-To Replaces RSeq Session-Expires Subscription-State To""".split()
)
"""Fields that a message may hold once only: a second one is how messages are smuggled."""

# HCOLON allows space before the colon, and RFC 4475 §3.1.1.1 does so in these. In other fields it is how a
# field is smuggled past an element that compares names, so there it is an error.
_LOOSE = frozenset(
    """Call-ID Contact Content-Length Content-Type CSeq From Max-Forwards Record-Route Route Subject To
    Via""".split()
)


MAX_FIELDS = 256
"""Header lines of a message."""


heads = Heads(_NAMES, _COMPACT, _ONCE, _LOOSE, MAX_FIELDS, (Via, CSeq, NameAddr))
"""Reads and makes the fields that `Headers` hold."""


class _Spelling(dict[str, str]):
    """The one spelling of a field name. Those that we do not know are not remembered, as strangers make them
    up."""

    def __missing__(self, name: str) -> str:
        return heads.spelt(name)


_SPELLING = _Spelling({name: name for name in _NAMES})


class Headers(msgspec.Struct):
    """Header fields, ordered; fields of one name keep their order, which is all that has a meaning
    (§7.3.1)."""

    _fields: dict[str, list[str]] = {}
    """Names as we spell them."""

    @classmethod
    def of(cls, lines: Iterable[tuple[str, str]]) -> Headers:
        """These lines."""
        new = cls()
        heads.add(new._fields, lines)
        return new

    def get(self, name: str) -> str | None:
        """The first value of the field as it was written, or None."""
        values = self._fields.get(_SPELLING[name])
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every line of the field, unsplit. A copy."""
        return list(self._fields.get(_SPELLING[name], ()))

    def get_list(self, name: str) -> list[str]:
        """Every element of a field whose grammar is a comma-separated list (Via, Contact, Route, Allow ...).

        Raises `ParseError`.
        """
        values = self._fields.get(_SPELLING[name])
        if values is None:
            return []
        if len(values) == 1:
            return [] if not values[0] and name not in ("Via", "Contact") else split_list(values[0])
        return [element for value in values if value for element in split_list(value)]

    def add(self, name: str, value: str) -> None:
        """Append a field line."""
        heads.add(self._fields, [(name, value)])

    def set(self, name: str, value: str) -> None:
        """Replace all fields of that name by one."""
        self._fields[_SPELLING[name]] = [value]

    def set_first(self, name: str, element: str) -> None:
        """Replace the first element of a list that is there. Raises `ParseError` for what is no list."""
        lines = self._fields[_SPELLING[name]]
        lines[0] = ", ".join([element, *split_list(lines[0])[1:]]) if "," in lines[0] else element

    def put_first(self, name: str, value: str) -> None:
        """Add a field before all others."""
        name = _SPELLING[name]
        self._fields = {name: [value, *self._fields.pop(name, ())], **self._fields}

    def set_all(self, name: str, values: Iterable[str]) -> None:
        """Replace all fields of that name."""
        lines = list(values)
        if lines:
            self._fields[_SPELLING[name]] = lines
        else:
            self._fields.pop(_SPELLING[name], None)

    def remove(self, name: str) -> None:
        """Remove all fields of that name."""
        self._fields.pop(_SPELLING[name], None)

    def copy(self) -> Headers:
        """Independent of this one."""
        return Headers({name: values.copy() for name, values in self._fields.items()})

    def __contains__(self, name: str) -> bool:
        return _SPELLING[name] in self._fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, values in self._fields.items():
            for value in values:
                yield name, value

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"
