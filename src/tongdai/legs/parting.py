"""Calls that are over, while the phone has not heard so: a page whose connection was gone when we hung up
would talk to nobody when it comes back. They are in the journal, as our process may be gone by then too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tongdai.calls.model import Cause
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.journal.reading import decoded
from tongdai.legs.leg import LegRecord, SipLeg
from tongdai.legs.ports import Contact, LegMedia
from tongdai.sip.timers import Timer, Timers
from tongdai.sip.ua import DialogState, UserAgent

log = get_logger(__name__)

REMEMBERED_SECONDS = 120.0
"""A phone that comes back later finds out by itself: the session timer (RFC 4028) or its next request, which
gets 481."""

_PARTING = "parting/"


class OwedBye(msgspec.Struct):
    """What the journal keeps. `dialog` has nothing left to do but its BYE."""

    leg: str
    tenant: str
    device: str
    instance: str
    dialog: DialogState


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OwedBye).decode


class Parting:
    """Legs whose end was not answered yet. Only phones on a connection: over UDP it is repeated."""

    def __init__(
        self,
        clock: Callable[[], float],
        journal: Journal,
        *,
        media: LegMedia,
        ua: Callable[[], UserAgent],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._media = media
        self._ua = ua
        self._timers = Timers()
        self._legs: dict[str, tuple[SipLeg, Timer]] = {}

    def end(self, leg: SipLeg, cause: Cause, reason: str = "") -> None:
        """End this leg; while a phone on a connection has not answered that, it is remembered. One that still
        rings may be told by BYE too (RFC 3261 §15)."""
        session = leg.session
        rings = session is not None and session.state.role == "uac" and bool(session.remote_tag)
        owed = session is not None and not session.ended and (session.confirmed or rings)
        leg.end(cause, reason)
        if owed and session is not None and session.flow.reliable and leg.record.device:
            self._journal.put(_PARTING + leg.id, _encode(_owed(leg, session.state)))
            self._remember(leg)

    def _remember(self, leg: SipLeg) -> None:
        session = leg.session_in_use
        session.on_bye_heard = lambda: self._heard(leg.id)
        timer = self._timers.schedule(self._clock() + REMEMBERED_SECONDS, self._forget, leg.id)
        self._legs[leg.id] = leg, timer

    def _heard(self, leg_id: str) -> None:
        if leg_id in self._legs:
            self._timers.cancel(self._legs[leg_id][1])
            self._forget(leg_id, 0.0)

    def _forget(self, leg_id: str, now: float) -> None:
        self._legs.pop(leg_id, None)
        self._journal.delete(_PARTING + leg_id)

    def moved(self, tenant: str, contact: Contact) -> None:
        """A phone has proven itself on another path: tell it there what it missed."""
        for leg, _ in tuple(self._legs.values()):
            session = leg.session_in_use
            if leg.record.tenant == tenant and session.flow != contact.flow and leg.is_of(contact):
                log.info("a phone hears late that its call is over", tenant=tenant, leg=leg.id)
                session.bye_again(contact.flow)
                self._journal.put(_PARTING + leg.id, _encode(_owed(leg, session.state)))

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Go on with what a process that is gone still owed. Who was told in its last moment is told twice
        at most, and answers 481."""
        for _, owed in decoded(self._journal, entries, _PARTING, _decode):
            # connections ended with the process before
            owed.dialog.flow = msgspec.structs.replace(owed.dialog.flow, connection=0)
            record = LegRecord(owed.leg, owed.tenant, "", 0, 0, sdp_id=0)
            record.device, record.instance = owed.device, owed.instance
            leg = SipLeg(record, self._media, self._ua().restore(owed.dialog))
            self._remember(leg)

    def deadline(self) -> float | None:
        return self._timers.deadline()

    def on_timers(self, now: float) -> None:
        self._timers.fire(now)


def _owed(leg: SipLeg, dialog: DialogState) -> OwedBye:
    """Only what the BYE needs: nothing that a restored session would take up again."""
    record = leg.record
    bare = msgspec.structs.replace(
        dialog,
        phase="terminated",
        local_sdp=None,
        remote_sdp=None,
        refers=[],
        session_seconds=0,
        pending_invite=None,
        pending_ok=None,
        last_ack=None,
    )
    return OwedBye(leg.id, record.tenant, record.device, record.instance, bare)
