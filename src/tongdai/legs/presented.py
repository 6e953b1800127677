"""Who an outside call says that it is from, as each carrier wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tongdai.calls.model import DiversionReason, Party
from tongdai.legs import diverted as diversions
from tongdai.legs.callers import contact_user, identity, shown_as
from tongdai.sip.message import SipUri
from tongdai.tenants.trunk.model import CallerRule, Trunk


class Presented(msgspec.Struct, frozen=True):
    """`from_` is a name-addr; `contact_user` goes into our Contact."""

    from_: str
    contact_user: str | None
    headers: Sequence[tuple[str, str]]


def presented(
    trunk: Trunk,
    caller: Party,
    behind: Party | None,
    diverted: Sequence[DiversionReason],
    hops: int,
    host: str,
    target: str,
    written: Callable[[str], str],
) -> Presented:
    """`caller` is the company; `behind` who called it from outside, when this call only goes through it.
    `diverted` says why colleagues forwarded it, the first one first, after `hops` others.
    `written` gives a number as the carrier wants it, `target` the URI that is called.

    A number that the company does not own is shown only by a trunk whose rule is to pass it, and then
    Diversion (RFC 5806) and History-Info (RFC 7044) tell through whom the call came, since carriers refuse it
    otherwise. Who is private is known to the carrier alone (RFC 3325).
    """
    settings = trunk.settings
    host = settings.domain or host
    if settings.caller is CallerRule.FIXED:
        caller = msgspec.structs.replace(caller, number=settings.caller_number)
    caller = _written(caller, written)
    headers = [("P-Asserted-Identity", identity(caller, host))] if settings.trusted else []
    shown = caller
    if settings.caller is CallerRule.PASS and behind is not None:
        shown = _written(behind, written)
        if not shown.number:
            shown = msgspec.structs.replace(shown, private=True)
        diverted = diverted or (DiversionReason.ALWAYS,)
    # colleagues have no other number that means anything outside
    uri = f"<{SipUri(host, caller.number or None)}>"
    headers += diversions.headers([(uri, reason) for reason in diverted], target, hops)
    if shown.private:
        headers.append(("Privacy", "id"))
    return Presented(shown_as(shown, host), contact_user(shown), headers)


def _written(party: Party, written: Callable[[str], str]) -> Party:
    return msgspec.structs.replace(party, number=written(party.number)) if party.number else party
