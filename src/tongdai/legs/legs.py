"""All legs of a node: SIP events become events of the call logic, its commands become SIP."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from tongdai import sdp
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.core.interfaces import Interfaces
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.legs.arrivals import Arrivals
from tongdai.legs.callers import Callers
from tongdai.legs.causes import SOUND_FAILED, is_elsewhere, said
from tongdai.legs.info import digit_of, refuse
from tongdai.legs.kept import KeptLegs
from tongdai.legs.kinds import OFFER_REFUSED
from tongdai.legs.leg import LegRecord, SipLeg, numbered, sdp_id, spoken_by
from tongdai.legs.near import address_for
from tongdai.legs.parting import Parting
from tongdai.legs.phones import Phones
from tongdai.legs.ports import (
    Contact,
    Contacts,
    Edge,
    Instances,
    LegMedia,
    NextFlow,
    Opened,
    Post,
    Trunks,
)
from tongdai.legs.rebuilt import Rebuilt
from tongdai.legs.renegotiation import Renegotiation
from tongdai.legs.reoffers import Reoffers
from tongdai.legs.transfers import Transfers
from tongdai.legs.twins import Twins
from tongdai.legs.ways_out import WaysOut, contacts_of
from tongdai.sip.flow import Address
from tongdai.sip.message import Replaces, Request, Response
from tongdai.sip.pickup import ringing_leg
from tongdai.sip.ua import IncomingRequest, InviteSession, Refer, UserAgent

log = get_logger(__name__)


class Legs:
    """Implements `switch.Legs` and the INVITE part of `sip.ua.UaHandler`."""

    def __init__(
        self,
        *,
        edge: Edge,
        callers: Callers,
        media: LegMedia,
        contacts: Contacts,
        instances: Instances,
        post: Post,
        journal: Journal,
        new_id: Callable[[], str],
        addresses: Sequence[Address],
        trunks: Trunks,
        clock: Callable[[], float],
        interfaces: Interfaces | None = None,
        next_flow: NextFlow = lambda _, *, gone: "",
    ) -> None:
        """`addresses` are those at which SIP over UDP reaches us; `new_id` makes ids of calls; `clock` is the
        user agent's."""
        self._callers = callers
        self._media = media
        self._post = post
        self._journal = journal
        self._addresses = addresses
        self._interfaces = interfaces or Interfaces()
        self._ua: UserAgent | None = None
        self._legs: dict[str, SipLeg] = {}
        self._kept = KeptLegs(journal, edge=edge, media=media, ua=lambda: self.ua, matched=self._legs.get)
        self._twins = Twins(edge, media, post, new_id, self._legs.get)
        self._phones = Phones(contacts, next_flow, ua=lambda: self.ua, matched=self._behind, again=self._call)
        self._trunks = trunks
        self._ways_out = WaysOut(
            edge,
            trunks,
            ua=lambda: self.ua,
            clock=clock,
            post=post,
            matched=self._behind,
            failed=self._failed,
        )
        self._transfers = Transfers(
            callers,
            post,
            ua=lambda: self.ua,
            of=self._leg,
            matched=self._legs.get,
            changed=self._kept.mark,
        )
        self._renegotiation = Renegotiation(
            matched=self._legs.get, facing=self._twins.other, changed=self._kept.mark
        )
        self._parting = Parting(clock, journal, media=media, ua=lambda: self.ua)
        self._rebuilt = Rebuilt(media, clock=clock, public=self._interfaces.public, lost=self.lost)
        self._reoffers = Reoffers(self._kept, post, self._rebuilt, self._renegotiation)
        self._arrivals = Arrivals(
            self._legs,
            self._kept,
            callers=callers,
            media=media,
            instances=instances,
            interfaces=self._interfaces,
            trunks=trunks,
            post=post,
            new_id=new_id,
            of=self._leg,
            forget=self._forget,
        )

    def use(self, ua: UserAgent) -> None:
        """Say which user agent to call with; once, before the first event."""
        self._ua = ua

    @property
    def ua(self) -> UserAgent:
        assert self._ua is not None, "no user agent was given"
        return self._ua

    def deadline(self) -> float | None:
        """When `on_timers` is wanted next, or None."""
        times = [self._ways_out.deadline(), self._parting.deadline(), self._rebuilt.deadline()]
        return min((at for at in times if at is not None), default=None)

    def on_timers(self, now: float) -> None:
        self._ways_out.on_timers(now)
        self._parting.on_timers(now)
        self._rebuilt.on_timers(now)

    # calls in

    def on_invite(self, session: InviteSession) -> None:
        self._arrivals.begin(session)

    def on_cancelled(self, session: InviteSession, reason: str | None) -> None:
        told = said(reason)
        self._far_end(session, Cause.ELSEWHERE if is_elsewhere(told) else Cause.CANCELLED, told)

    def on_ack(self, session: InviteSession, sdp_text: str | None) -> None:
        """The ACK of our answer; it brings the peer's answer when the offer was ours."""
        leg = self._leg(session)
        if leg is None:
            return
        self._kept.mark(leg)
        if leg.remote_offer is not None:
            self._renegotiation.look(leg.id)
            return
        was_held = leg.record.held
        try:
            leg.take_last_answer(sdp_text)
        except sdp.SdpError as error:
            log.info("a caller's answer does not fit", tenant=leg.record.tenant, leg=leg.id, error=str(error))
            self.hangup(leg.id, Cause.NOT_ACCEPTABLE)
            self._post(leg.record.tenant, e.LegEnded(leg.id, Cause.NOT_ACCEPTABLE))
            return
        self._reoffers.tell_hold(leg, was_held)
        self._renegotiation.look(leg.id)

    # calls out

    def create(self, tenant: str, command: c.CreateLeg) -> None:
        """Open the leg's media session, then send the INVITE."""
        if command.max_forwards < 1:
            log.warning("a call goes round in a circle", tenant=tenant, call=command.call)
            self._post(tenant, e.LegEnded(command.leg, Cause.FAILED))
            return
        if isinstance(command.target, c.HostedTarget):
            self._twins.create(tenant, command, command.target)
            return
        record = LegRecord(command.leg, tenant, "", 0, 0, sdp_id=sdp_id(command.leg))
        leg = SipLeg(record, self._media)
        self._legs[leg.id] = leg
        if isinstance(command.target, c.TrunkTarget):
            flow = self._ways_out.open(leg, command, command.target)
            if flow is None:
                return
        else:
            flow = self._phones.flow(command.target)

        def opened(result: Opened | None, error: str) -> None:
            if leg.gone:
                return
            if result is None:
                self._failed(leg, Cause.CONGESTION)
            else:
                leg.opened(result, self._interfaces.public(result.ip))
                self._call(leg, command)

        self._media.open(tenant, leg.id, opened, address_for(self._interfaces, flow))

    def _call(self, leg: SipLeg, command: c.CreateLeg) -> None:
        target = command.target
        try:
            if isinstance(target, c.DeviceTarget):
                there = self._phones.call(leg, command, target)
            else:
                there = True
                self._ways_out.call(leg)
        except ValueError as error:  # an address that cannot be written in a message, or read
            log.error("a leg cannot be called", tenant=leg.record.tenant, leg=leg.id, error=str(error))
            self._failed(leg, Cause.FAILED)
            return
        if there:
            self._kept.mark(leg)
        else:
            self._failed(leg, Cause.UNAVAILABLE)

    def on_provisional(self, session: InviteSession, response: Response, sdp_text: str | None) -> None:
        leg = self._leg(session)
        if leg is None:
            return
        self._ways_out.heard(leg)
        self._kept.mark(leg)
        sounds = sdp_text is not None
        if sdp_text is not None:
            try:
                leg.take_answer(sdp_text)
            except sdp.SdpError:
                sounds = False  # it may still answer with what we can use
        if sounds:
            self._post(leg.record.tenant, e.LegProgress(leg.id))
        elif response.status in (180, 183):
            self._post(leg.record.tenant, e.LegRinging(leg.id))

    def on_answered(self, session: InviteSession, response: Response, sdp_text: str | None) -> None:
        leg = self._leg(session)
        if leg is None:
            return
        self._ways_out.heard(leg, answered=True)
        try:
            leg.take_last_answer(sdp_text)
        except sdp.SdpError as error:
            log.info(
                "a called party's answer does not fit", leg=leg.id, tenant=leg.record.tenant, error=str(error)
            )
            self._parting.end(leg, Cause.NOT_ACCEPTABLE)
            self._failed(leg, Cause.NOT_ACCEPTABLE)
            return
        self._kept.mark(leg)
        self._post(leg.record.tenant, e.LegAnswered(leg.id))

    def on_failed(self, session: InviteSession, status: int, reason: str, response: Response | None) -> None:
        leg = self._leg(session)
        if leg is None:
            if response is not None and session.on_bye_heard is not None:
                session.on_bye_heard()  # it has answered our CANCEL
            return
        if status in OFFER_REFUSED and leg.otherwise is not None and leg.otherwise():
            return
        if 300 <= status < 400 and response is not None and not leg.record.trunk:
            self._failed(leg, Cause.DECLINED, to=self._sent_on(leg, response))
            return
        if leg.elsewhere is not None and leg.elsewhere(status, response is not None):
            return
        cause = self._ways_out.refused(leg, status, reason, response)
        if cause is not None:
            self._failed(leg, cause, reason=said(response.given_reason if response is not None else None))

    def _sent_on(self, leg: SipLeg, response: Response) -> str:
        """Where a phone wants its call to go (3xx): what it could dial itself, or nothing."""
        found = (uri for uri in contacts_of(response) if self._callers.leads_here(leg.record.tenant, uri))
        return next((uri.subscriber for uri in found), "")

    # in the dialog

    def on_reinvite(self, session: InviteSession, sdp_text: str | None) -> None:
        leg = self._leg(session)
        if leg is None:
            session.reject_reinvite(481)
            return
        self._reoffers.asked(leg, session, sdp_text)

    def on_reinvite_result(self, session: InviteSession, status: int, sdp_text: str | None) -> None:
        leg = self._leg(session)
        if leg is not None:
            self._reoffers.answered(leg, status, sdp_text)

    def on_changed(self, session: InviteSession) -> None:
        leg = self._leg(session)
        if leg is not None:
            self._reoffers.changed(leg)

    def on_bye(self, session: InviteSession, reason: str | None) -> None:
        self._far_end(session, Cause.NORMAL, said(reason))

    def on_ended(self, session: InviteSession, status: int, cause: str) -> None:
        self._far_end(session, Cause.FAILED)

    def on_refer(self, session: InviteSession, refer: Refer) -> None:
        self._transfers.asked(self._leg(session), session, refer)

    def find_ringing(self, replaces: Replaces) -> InviteSession | None:
        """The session of a phone that rings, by the name that lamps have of it."""
        leg = self._legs.get(ringing_leg(replaces))
        session = leg.session if leg is not None else None
        return session if session is not None and not session.confirmed else None

    def transfer_progress(self, leg_id: str, ringing: bool) -> None:
        self._transfers.progress(leg_id, ringing)

    def transfer_result(self, leg_id: str, ok: bool, cause: Cause) -> None:
        self._transfers.result(leg_id, ok, cause)

    def on_refer_result(self, session: InviteSession, refer_id: int, status: int) -> None:
        """We send no REFER."""

    def on_info(self, session: InviteSession, request: Request) -> None:
        """DTMF of phones that have no RFC 4733."""
        leg = self._leg(session)
        digit = digit_of(request)
        if leg is not None and digit:
            self._post(leg.record.tenant, e.LegDigit(leg.id, digit, signalled=True))

    def on_message(self, session: InviteSession, incoming: IncomingRequest) -> None:
        refuse(incoming)

    # commands of the call logic

    def ring(self, leg: str) -> None:
        if leg in self._legs:
            self._legs[leg].ring()
        else:
            self._twins.ring(leg)

    def progress(self, leg: str, match: str) -> None:
        if leg in self._legs:
            self._sound(self._legs[leg], self._legs[leg].progress, match)
        else:
            self._twins.progress(leg, match)

    def answer(self, leg: str, match: str) -> None:
        if leg in self._legs:
            self._sound(self._legs[leg], self._legs[leg].accept, match)
        else:
            self._twins.answer(leg, match)

    def hears(self, leg: str, other: str) -> None:
        """The leg hears another one, or none (empty)."""
        if other:
            self._twins.hears(leg, other)
        self._renegotiation.hears(leg, other)

    def hangup(self, leg_id: str, cause: Cause, reason: str = "") -> None:
        leg = self._legs.get(leg_id)
        if leg is None:
            self._forget_pair(leg_id)
            self._twins.hangup(leg_id, cause)
            return
        self._forget(leg)
        self._parting.end(leg, cause, reason)
        self._media.close(leg_id)

    def _sound(
        self, leg: SipLeg, begin: Callable[[Sequence[str], Sequence[sdp.Codec]], None], match: str
    ) -> None:
        """Let a caller hear us, or the leg `match`; who speaks nothing of ours, nor of that leg, is
        refused."""
        try:
            begin(*spoken_by(self._behind(match)))
        except sdp.SdpError as error:
            log.info(
                "a caller speaks no codec of ours", tenant=leg.record.tenant, leg=leg.id, error=str(error)
            )
            leg.end(Cause.NOT_ACCEPTABLE)
            self._failed(leg, Cause.NOT_ACCEPTABLE)
        else:
            self._kept.mark(leg)

    # bookkeeping

    def _behind(self, leg: str) -> SipLeg | None:
        """The leg whose codecs matter to who hears this one, which may be of another tenant."""
        return self._legs.get(self._twins.behind(leg))

    def _leg(self, session: InviteSession) -> SipLeg | None:
        """The leg of a session, None when we are done with it."""
        leg = session.tag
        return leg if isinstance(leg, SipLeg) and not leg.gone else None

    def _forget_pair(self, leg_id: str) -> None:
        """One of a pair within is over, and so is the other."""
        for leg in (leg_id, self._twins.other(leg_id)):
            self._renegotiation.forget(leg)

    def _forget(self, leg: SipLeg) -> None:
        leg.gone = True
        leg.otherwise = leg.elsewhere = None
        if leg.session is not None:
            leg.session.tag = None
        self._legs.pop(leg.id, None)
        self._renegotiation.forget(leg.id)
        self._ways_out.forget(leg)
        self._kept.mark(leg)

    def _failed(self, leg: SipLeg, cause: Cause, why: str = "", reason: str = "", to: str = "") -> None:
        self._forget(leg)
        self._media.close(leg.id)
        self._post(leg.record.tenant, e.LegEnded(leg.id, cause, why, reason, to))

    def _far_end(self, session: InviteSession, cause: Cause, reason: str = "") -> None:
        leg = self._leg(session)
        if leg is not None:
            self._failed(leg, cause, reason=reason)

    def journal(self) -> None:
        """Write what changed since the last time; the caller commits."""
        self._kept.write()
        self._ways_out.journal(self._journal)
        self._twins.journal(self._journal)

    @property
    def settled(self) -> bool:
        """Another process could go on with every leg as if nothing had happened."""
        return all(leg.settled for leg in self._legs.values()) and self._twins.settled

    def restore(self, entries: Mapping[str, bytes]) -> dict[str, str]:
        """Take over the legs of a process that is gone; returns them with their tenants."""
        self._parting.restore(entries)
        legs = self._twins.restore(entries)
        for leg in self._kept.restore(entries):
            if not leg.record.ip:
                self._arrivals.was_begun(leg)
                continue
            self._legs[leg.id] = leg
            legs[leg.id] = leg.record.tenant
            if leg.record.trunk:
                self._trunks.joined(leg.record.tenant, leg.id, leg.record.trunk)
        self._ways_out.restore(entries, self._legs)
        return legs

    def begin_again(self) -> None:
        """Calls that a process before this one had taken and nobody was told of yet: take them now."""
        self._arrivals.begin_again()

    def moved(self, tenant: str, contact: Contact) -> None:
        """A phone has proven itself on another path, so what its calls need goes that way: the path before
        may have ended with its connection, or with the process that had it."""
        self._parting.moved(tenant, contact)
        for leg in tuple(self._legs.values()):
            if leg.record.tenant != tenant or not leg.is_of(contact):
                continue
            if leg.back is not None:
                log.info("a phone that rang is back", tenant=tenant, leg=leg.id, flow=str(contact.flow))
                leg.back(contact.binding)
            elif leg.follow(contact):
                log.info("a call follows its phone", tenant=tenant, leg=leg.id, flow=str(contact.flow))
            self._kept.mark(leg)

    def rebuild(self, legs: Container[str]) -> None:
        """These legs have no session any more, as their engine is gone: give them another."""
        for leg in tuple(self._legs.values()):
            if leg.id in legs:
                self._rebuilt.begin(leg)
                self._kept.mark(leg)
        self._twins.rebuild(legs)

    def spoken(self, leg_id: str) -> tuple[Sequence[str], Sequence[sdp.Codec]]:
        """The codecs of who is heard there, best first, and what among them we only pass on, each under a
        number of its own."""
        names, foreign = spoken_by(self._behind(leg_id))
        return names, numbered(foreign)

    def secured(self, leg_id: str) -> None:
        """The leg's peer has proven itself to the engine."""
        self._rebuilt.secured(leg_id)

    def lost(self, leg_id: str, why: str = "") -> None:
        """The leg's media session is gone, or of no use (`why`): end it, as if the far side had."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._parting.end(leg, Cause.FAILED, SOUND_FAILED)
            self._failed(leg, Cause.FAILED, why)
        else:
            self._forget_pair(leg_id)
            self._twins.lost(leg_id)

    def all(self) -> list[str]:
        """Every leg there is."""
        return [*self._legs, *self._twins.all()]

    def call_id(self, leg_id: str) -> str:
        """The Call-ID of its dialog, by which its phone knows it; empty where it has none."""
        leg = self._legs.get(leg_id)
        return leg.session.call_id if leg is not None and leg.session is not None else ""

    def close(self) -> None:
        """Refuse new calls (shutting down)."""
        self._arrivals.close()
