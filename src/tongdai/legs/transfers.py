"""Transfers that a phone asks for (RFC 3515, 5589): REFER becomes an event, what comes of it NOTIFYs."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.legs.callers import Callers
from tongdai.legs.causes import status_of
from tongdai.legs.leg import SipLeg
from tongdai.legs.ports import Post
from tongdai.sip.ua import InviteSession, Refer, UserAgent


class Transfers:
    """Methods are called by `Legs`."""

    def __init__(
        self,
        callers: Callers,
        post: Post,
        *,
        ua: Callable[[], UserAgent],
        of: Callable[[InviteSession], SipLeg | None],
        matched: Callable[[str], SipLeg | None],
        changed: Callable[[SipLeg], None],
    ) -> None:
        """`of` finds the leg of a session, None when we are done with it, `matched` that of an id; `changed`
        is told which leg has something new for the journal."""
        self._callers = callers
        self._post = post
        self._ua = ua
        self._of = of
        self._matched = matched
        self._changed = changed

    def asked(self, leg: SipLeg | None, session: InviteSession, refer: Refer) -> None:
        """A REFER in the dialog of `leg`, None when that is gone."""
        if leg is None or leg.refer is not None:
            session.reject_refer(refer, 491 if leg is not None else 481)
            return
        to, tenant = refer.refer_to.uri, leg.record.tenant
        replaces = self._consulted(leg, refer) if refer.replaces is not None else ""
        if not (replaces if refer.replaces is not None else self._callers.leads_here(tenant, to)):
            session.reject_refer(refer, 404)
            return
        leg.refer = refer
        self._post(tenant, e.TransferRequested(leg.id, to.subscriber, replaces))

    def _consulted(self, leg: SipLeg, refer: Refer) -> str:
        """The leg of the same tenant that a Replaces inside a Refer-To names."""
        session = self._ua().find_replaced(refer.replaces) if refer.replaces is not None else None
        other = self._of(session) if session is not None else None
        return other.id if other is not None and other.record.tenant == leg.record.tenant else ""

    def progress(self, leg_id: str, ringing: bool) -> None:
        """The transfer is under way: 202, and NOTIFY 180 when it rings."""
        leg = self._matched(leg_id)
        if leg is None:
            return
        session = leg.session_in_use
        if leg.refer is not None:
            refer, leg.refer = leg.refer, None
            session.accept_refer(refer)
            self._changed(leg)
        if ringing and session.referred is not None:
            session.notify_refer(session.referred, 180)

    def result(self, leg_id: str, ok: bool, cause: Cause) -> None:
        """The transfer has come to its end."""
        leg = self._matched(leg_id)
        if leg is None:
            return
        session = leg.session_in_use
        if leg.refer is not None:
            refer, leg.refer = leg.refer, None
            if not ok:
                session.reject_refer(refer, status_of(cause))
                return
            session.accept_refer(refer)
        if session.referred is not None:
            session.notify_refer(session.referred, 200 if ok else status_of(cause))
            self._changed(leg)
