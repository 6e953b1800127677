"""Calls to the phones that are registered here."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tongdai.calls import commands as c
from tongdai.legs import diverted as diversions
from tongdai.legs.callers import contact_user, identity, referred_by, shown_as
from tongdai.legs.kinds import is_encrypted, kinds_for
from tongdai.legs.leg import SipLeg, leaves_out, spoken_by
from tongdai.legs.ports import Contacts, NextFlow
from tongdai.legs.seen import behind_path
from tongdai.sip.flow import Flow
from tongdai.sip.message import SipUri
from tongdai.sip.ua import UserAgent


class Phones:
    """Each kind of stream that a phone may take is offered, one after the other."""

    def __init__(
        self,
        contacts: Contacts,
        next_flow: NextFlow,
        *,
        ua: Callable[[], UserAgent],
        matched: Callable[[str], SipLeg | None],
        again: Callable[[SipLeg, c.CreateLeg], None],
    ) -> None:
        """`matched` finds the leg whose codecs to prefer; `again` calls once more, and ends the leg when that
        cannot be."""
        self._contacts = contacts
        self._next_flow = next_flow
        self._ua = ua
        self._matched = matched
        self._again = again

    def flow(self, target: c.DeviceTarget) -> Flow | None:
        """Where the phone is; None when it is gone."""
        contact = self._contacts(target.binding)
        return contact.flow if contact is not None else None

    def call(self, leg: SipLeg, command: c.CreateLeg, target: c.DeviceTarget) -> bool:
        """Send the INVITE; False when the phone is gone. Raises ValueError for what cannot be written in
        one."""
        contact, caller = self._contacts(target.binding), command.caller
        if contact is None:
            return False
        prefer, foreign = spoken_by(self._matched(command.match))
        if leg.otherwise is None:
            first, *others = kinds_for(contact)
            kinds = iter((*others, first) if leaves_out(prefer) else others)
            leg.otherwise = lambda: self._otherwise(next(kinds, None), leg, command)
            leg.offer_as(first, is_encrypted(contact.flow))
            leg.offers_all = False
        leg.elsewhere = lambda status, told: self._elsewhere(leg, command, target, status, told)
        leg.back = None
        leg.record.device, leg.record.instance = contact.device, contact.instance
        leg.record.seen = behind_path(contact.path)
        offer = leg.make_offer(prefer, foreign)
        forwarded = diversions.headers(
            [(identity(diversion.by, contact.domain), diversion.reason) for diversion in command.diversions],
            contact.uri,
            command.hops,
        )
        leg.session = self._ua().invite(
            contact.uri,
            contact.flow,
            from_=shown_as(caller, contact.domain),
            to=f"<{SipUri(contact.domain, contact.username)}>",
            sdp=offer,
            headers=[
                ("Max-Forwards", str(command.max_forwards)),
                *referred_by(command.transferred_by, contact.domain),
                *forwarded,
                *(_answer_yourself(contact.domain) if command.answers else ()),
            ],
            route_set=contact.path,
            contact_user=contact_user(caller),
            pinned=True,
            tag=leg,
        )
        return True

    def _elsewhere(
        self, leg: SipLeg, command: c.CreateLeg, target: c.DeviceTarget, status: int, told: bool
    ) -> bool:
        """The flow does not lead to the phone: a proxy says so (430), or nobody answers. If the phone keeps
        another one, that is called (RFC 5626 §5.3). One that has a name comes back when its connection has
        ended, as a page does that is loaded again: it is called then, while the call still rings."""
        gone = told and status == 430
        if not gone and (told or status not in (408, 503)):
            return False
        other = self._next_flow(target.binding, gone=gone)
        if other:
            self._at(leg, command, other)
        elif not told and status == 503 and leg.record.instance:
            leg.back = lambda binding: self._at(leg, command, binding)
        return bool(other) or leg.back is not None

    def _at(self, leg: SipLeg, command: c.CreateLeg, binding: str) -> None:
        leg.otherwise = None
        self._again(leg, msgspec.structs.replace(command, target=c.DeviceTarget(binding)))

    def _otherwise(self, protocol: str | None, leg: SipLeg, command: c.CreateLeg) -> bool:
        """Once more, for a phone that does not take what it was offered; False when there is nothing else. It
        may lack the caller's codecs and G.711, so from now on it is offered all."""
        if protocol is None:
            return False
        leg.offer_as(protocol, True)
        leg.offers_all = True
        self._again(leg, command)
        return True


def _answer_yourself(domain: str) -> list[tuple[str, str]]:
    """As phones know it: Yealink, Grandstream, Snom and Fanvil by Call-Info, Polycom and Cisco by Alert-Info,
    others by RFC 5373. A phone that knows none of them rings."""
    return [
        ("Call-Info", f"<sip:{domain}>;answer-after=0"),
        ("Alert-Info", f"<http://{domain}>;info=alert-autoanswer;delay=0"),
        ("Answer-Mode", "Auto"),
    ]
