"""Calls in: from the INVITE until the logic is offered a leg that has a session of the engine."""

from __future__ import annotations

from collections.abc import Callable

from tongdai import sdp
from tongdai.core.interfaces import Interfaces
from tongdai.core.log import get_logger
from tongdai.legs.callers import Caller, Callers, Refusal
from tongdai.legs.kept import KeptLegs
from tongdai.legs.kinds import is_encrypted, on_websocket
from tongdai.legs.leg import RETRY_AFTER, LegRecord, SipLeg, check_offer, sdp_id
from tongdai.legs.near import address_for
from tongdai.legs.ports import Instances, LegMedia, Opened, Post, Trunks
from tongdai.legs.seen import behind_proxies
from tongdai.sip.flow import Flow
from tongdai.sip.ua import InviteSession

log = get_logger(__name__)


class Arrivals:
    """Adds to the legs of a node those that call in."""

    def __init__(
        self,
        legs: dict[str, SipLeg],
        kept: KeptLegs,
        *,
        callers: Callers,
        media: LegMedia,
        instances: Instances,
        interfaces: Interfaces,
        trunks: Trunks,
        post: Post,
        new_id: Callable[[], str],
        of: Callable[[InviteSession], SipLeg | None],
        forget: Callable[[SipLeg], None],
    ) -> None:
        """`new_id` makes ids of calls; `of` is the leg of a session."""
        self._legs = legs
        self._kept = kept
        self._callers = callers
        self._media = media
        self._instances = instances
        self._interfaces = interfaces
        self._trunks = trunks
        self._post = post
        self._new_id = new_id
        self._of = of
        self._forget = forget
        self._closing = False
        self._begun: list[SipLeg] = []

    def begin(self, session: InviteSession) -> None:
        """Who calls? Then the engine is asked for a session, and only a leg that has one is offered to the
        logic.
        """
        request = session.request
        assert request is not None
        if self._closing:
            session.reject(503, headers=RETRY_AFTER)
            return
        caller = self._callers.identify(request, session.flow)
        if isinstance(caller, Refusal):
            session.reject(caller.status, headers=caller.headers)
            return
        try:
            offer = sdp.parse(session.remote_sdp) if session.remote_sdp else None
            address = address_for(self._interfaces, session.flow, offer)
            if offer is not None:
                check_offer(offer, address or session.flow.local[0], protected=caller.insists)
        except sdp.SdpError as error:
            log.info("a call's offer does not fit", tenant=caller.tenant, error=str(error))
            session.reject(488)
            return
        replaces = ""
        if session.replaces is not None:
            replaced = self._of(session.replaces)
            if replaced is None or replaced.record.tenant != caller.tenant:
                session.reject(481)  # what the user agent answers for a dialog that does not exist
                return
            replaces = replaced.id
        call = self._new_id()
        record = LegRecord(f"{call}.l0", caller.tenant, "", 0, 0, sdp_id=sdp_id(call), trunk=caller.trunk)
        record.insists = caller.insists
        if caller.device:
            record.device, record.seen = caller.device, behind_proxies(request)
            record.instance = self._instances(caller.tenant, caller.device, session.flow)
        leg = SipLeg(record, self._media, session)
        leg.remote_offer = offer
        if offer is None:
            leg.offer_as(*self._first_offer(caller, session.flow))
        session.tag = leg
        self._legs[leg.id] = leg
        self._kept.mark(leg)
        if caller.trunk:
            self._trunks.joined(caller.tenant, leg.id, caller.trunk)
        offered = caller.offered(call, leg.id, replaces, request)

        def opened(result: Opened | None, error: str) -> None:
            if leg.gone:
                return
            if result is None:
                log.warning("no media for a call", tenant=caller.tenant, error=error)
                self._forget(leg)
                session.reject(503, headers=RETRY_AFTER)
            else:
                leg.opened(result, self._interfaces.public(result.ip))
                self._kept.mark(leg)
                self._post(caller.tenant, offered)

        self._media.open(caller.tenant, leg.id, opened, address)

    def _first_offer(self, caller: Caller, flow: Flow) -> tuple[str, bool]:
        """The protocol of an offer to who made none, and whether it has keys: there is no second one."""
        if on_websocket(flow):
            return sdp.HANDSHAKEN[0], False
        return sdp.PROTECTED if caller.insists else sdp.PLAIN, is_encrypted(flow)

    def was_begun(self, leg: SipLeg) -> None:
        """A process before this one had taken that call, and told nobody of it."""
        self._begun.append(leg)

    def begin_again(self) -> None:
        """Take those calls now. A phone is challenged anew, which it answers by itself."""
        begun, self._begun = self._begun, []
        for leg in begun:
            self._kept.mark(leg)
            if leg.session is not None and not leg.session.ended:
                self.begin(leg.session)

    def close(self) -> None:
        """Refuse new calls."""
        self._closing = True
