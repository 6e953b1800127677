"""By whom and why a call was forwarded, in headers: Diversion (RFC 5806) and History-Info (RFC 7044), written
and read."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.calls.model import Diversion, DiversionReason, Party, PartyKind
from tongdai.sip.message import NameAddr, ParseError, Request, split_list

MOST_COUNTED = 70
"""Whatever a peer claims, a call has not been forwarded oftener: Max-Forwards would have ended it."""

_REASONS: dict[DiversionReason, tuple[str, int]] = {
    DiversionReason.ALWAYS: ("unconditional", 302),
    DiversionReason.DND: ("do-not-disturb", 486),
    DiversionReason.BUSY: ("user-busy", 486),
    DiversionReason.NO_ANSWER: ("no-answer", 408),
    DiversionReason.UNREACHABLE: ("unavailable", 503),
    DiversionReason.PHONE: ("deflection", 480),
}
"""As RFC 5806 §5.2 and RFC 4458 §4 call them."""
_READ = {"time-of-day": DiversionReason.ALWAYS} | {
    token: reason for reason, (token, _) in reversed(_REASONS.items())
}
_CAUSES = frozenset(str(cause) for _, cause in _REASONS.values()) | {"487", "404"}


def headers(
    diverters: Sequence[tuple[str, DiversionReason]], target: str, hops: int = 0
) -> list[tuple[str, str]]:
    """`diverters` are name-addrs with what made each forward the call, the first one first; `hops`, how often
    it had been forwarded before; `target` is the URI that is called now."""
    if not diverters:
        return []
    lines = []
    for place, (address, reason) in reversed(list(enumerate(diverters, 1))):
        counter = hops + 1 if place == 1 else 1
        lines.append(f"{address};reason={_REASONS[reason][0]};counter={counter}")
    entries, index, cause = [], "1", 0
    for address, reason in diverters:
        entries.append(_entry(str(NameAddr.parse(address).uri), index, cause))
        index, cause = f"{index}.1", _REASONS[reason][1]
    entries.append(_entry(target, index, cause))
    return [("Diversion", ", ".join(lines)), ("History-Info", ", ".join(entries))]


def _entry(uri: str, index: str, cause: int) -> str:
    """What led to an entry is said in its URI (RFC 4458), and by which entry (`mp`)."""
    if not cause:
        return f"<{uri}>;index={index}"
    return f"<{uri};cause={cause}>;index={index};mp={index.rpartition('.')[0]}"


def read(request: Request) -> tuple[int, Diversion | None]:
    """How often a call was forwarded before it came, and who forwarded it last, when that is said."""
    said = _addresses(request, "Diversion")
    counted = sum(_counter(address) for address in said)
    history = _addresses(request, "History-Info")
    forwarded = sum(1 for address in history if address.uri.params.get("cause") in _CAUSES)
    last = None
    if said:
        reason = _READ.get((said[0].params.get("reason") or "").strip('"').lower(), DiversionReason.ALWAYS)
        party = Party(PartyKind.OUTSIDE, said[0].uri.subscriber, said[0].display or "")
        last = Diversion(party, reason)
    return min(max(counted, forwarded), MOST_COUNTED), last


def _addresses(request: Request, field: str) -> list[NameAddr]:
    """What can be read of it: no call fails because of who had it before."""
    found = []
    for line in request.headers.get_all(field):
        try:
            found += [NameAddr.parse(text) for text in split_list(line)]
        except ParseError:
            continue
    return found


def _counter(address: NameAddr) -> int:
    counter = address.params.get("counter") or ""
    return int(counter) if counter.isascii() and counter.isdigit() and len(counter) < 4 else 1
