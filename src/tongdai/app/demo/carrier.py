"""The simulated carrier: the outside world of the demo. A small SIP peer that is no part of the product.

One phone account is rung by whatever the PBX sends out and may call any number; while no phone is
registered, outside numbers answer and echo. Descriptions pass through, so the sound goes between the phone
and the PBX directly.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import msgspec

from tongdai import sdp
from tongdai.app.demo.echo import EchoPort
from tongdai.core.log import get_logger
from tongdai.sip.digest import Algorithm, DigestServer, Verdict, ha1
from tongdai.sip.flow import Address, Flow
from tongdai.sip.ids import RandomIds
from tongdai.sip.message import NameAddr, Request, Response, SipUri
from tongdai.sip.ua import IncomingRequest, InviteSession, Refer, UserAgent

log = get_logger(__name__)

REALM = "carrier.demo"
CALLER = "+84901234567"
"""Whom the PBX sees calling when the phone names no number of its own."""

_NUMBER = re.compile(r"\+?[0-9]{3,15}").fullmatch


class Account(msgspec.Struct, frozen=True):
    """The carrier's one subscriber."""

    username: str
    password: str


class _Side:
    """One half of a call that passes through, or of an echo (then `other` is None)."""

    def __init__(self, other: InviteSession | None = None, echo: EchoPort | None = None) -> None:
        self.other = other
        self.echo = echo


class Carrier:
    """Implements `sip.ua.UaHandler`; `on_output` asks the owner to drain `ua`."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        pbx: Address,
        account: Account,
        secret: bytes,
        clock: Callable[[], float],
        on_output: Callable[[], None],
    ) -> None:
        self._here: Address = (host, port)
        self._pbx = pbx
        self._account = account
        self._digest = DigestServer(secret)
        self._clock = clock
        self._phone: Flow | None = None
        self._contact = ""
        self._until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self.ua = UserAgent(
            self, clock=clock, ids=RandomIds(), product="tongdai-demo-carrier", on_output=on_output
        )

    # the account

    def on_register(self, incoming: IncomingRequest) -> None:
        """The phone registers; the newest contact counts."""
        challenge = self._challenge(incoming.request)
        if challenge is not None:
            incoming.respond(401, headers=challenge)
            return
        request = incoming.request
        contact = request.contact
        seconds = _expiry(request, contact)
        if request.contact_is_star or (contact is not None and seconds == 0):
            self._until = 0.0
        elif contact is not None:
            self._phone, self._contact = incoming.flow, contact.uri_text
            self._until = self._clock() + seconds
        headers = [("Contact", f"<{self._contact}>;expires={seconds}")] if self._registered else []
        incoming.respond(200, headers=headers)

    @property
    def _registered(self) -> bool:
        return self._phone is not None and self._clock() < self._until

    def _challenge(self, request: Request) -> list[tuple[str, str]] | None:
        """None when the request is the account's."""
        now = self._clock()
        found = self._digest.verify(request, REALM, now, self._hashes)
        if found.verdict is Verdict.OK:
            return None
        return self._digest.challenge(REALM, now, stale=found.verdict is Verdict.STALE)

    def _hashes(self, username: str) -> Mapping[Algorithm, str] | None:
        if username != self._account.username:
            return None
        return {"MD5": ha1(username, REALM, self._account.password, "MD5")}

    # calls

    def on_invite(self, session: InviteSession) -> None:
        request = session.request
        assert request is not None
        number = request.uri.user or ""
        if session.flow.remote == self._pbx:
            self._outside(session, number)
            return
        challenge = self._challenge(request)
        if challenge is not None:
            session.reject(401, headers=challenge)
        elif not _NUMBER(number):
            session.reject(404, "Dial a telephone number such as +842871234500")
        else:
            asserted = request.from_.uri.user or ""
            caller = _international(asserted) if _NUMBER(asserted) else CALLER
            self._pass_on(
                session,
                str(SipUri(self._pbx[0], _international(number), self._pbx[1])),
                Flow("udp", self._here, self._pbx),
                NameAddr(str(SipUri(self._here[0], caller)), request.from_.display).without_params(),
            )

    def _outside(self, session: InviteSession, number: str) -> None:
        """The PBX calls an outside number: the phone rings, or an echo answers."""
        request = session.request
        assert request is not None
        if self._registered and self._phone is not None:
            self._pass_on(session, self._contact, self._phone, request.from_.without_params())
            return
        task = asyncio.get_running_loop().create_task(self._echo(session, number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _echo(self, session: InviteSession, number: str) -> None:
        port = await EchoPort.open(self._here[0])
        try:
            offer = sdp.parse(session.remote_sdp or "")
            local = sdp.LocalMedia(self._here[0], port.number)
            answer, _ = sdp.answer(offer, local, session_id=port.number, version=1)
        except sdp.SdpError:
            port.close()
            session.reject(488)
            return
        if session.ended:
            port.close()
            return
        log.info("an outside number answers and echoes", number=number)
        session.tag = _Side(echo=port)
        session.accept(str(answer))

    def _pass_on(self, session: InviteSession, target: str, flow: Flow, from_: str) -> None:
        request = session.request
        assert request is not None
        headers = [("P-Asserted-Identity", value) for value in request.headers.get_all("P-Asserted-Identity")]
        other = self.ua.invite(
            target,
            flow,
            from_=from_,
            to=request.to.without_params(),
            sdp=session.remote_sdp,
            headers=headers,
            pinned=True,
            tag=_Side(session),
        )
        session.tag = _Side(other)

    def _other(self, session: InviteSession) -> InviteSession | None:
        side = session.tag
        return side.other if isinstance(side, _Side) else None

    def on_provisional(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        other = self._other(session)
        if other is not None and not other.ended:
            other.progress(response.status, sdp)

    def on_answered(self, session: InviteSession, response: Response, sdp: str | None) -> None:
        other = self._other(session)
        if other is None or other.ended or session.remote_sdp is None:
            session.bye()
        else:
            other.accept(session.remote_sdp)

    def on_failed(self, session: InviteSession, status: int, reason: str, response: Response | None) -> None:
        other = self._other(session)
        if other is not None and not other.ended:
            other.reject(status if status not in (401, 407) else 403)

    def on_cancelled(self, session: InviteSession, reason: str | None) -> None:
        self._end_other(session, reason)

    def on_bye(self, session: InviteSession, reason: str | None) -> None:
        self._end_other(session, reason)

    def on_ended(self, session: InviteSession, status: int, cause: str) -> None:
        self._end_other(session, None)

    def _end_other(self, session: InviteSession, reason: str | None) -> None:
        side = session.tag
        if not isinstance(side, _Side):
            return
        if side.echo is not None:
            side.echo.close()
        if side.other is not None and not side.other.ended:
            side.other.bye(reason)

    def on_reinvite(self, session: InviteSession, sdp: str | None) -> None:
        """Passed on when a phone is at the other end; an echo accepts what it has."""
        other = self._other(session)
        if other is not None:
            other.reinvite(sdp)
        elif session.local_sdp is not None:
            session.accept_reinvite(session.local_sdp)
        else:
            session.reject_reinvite(488)

    def on_reinvite_result(self, session: InviteSession, status: int, sdp: str | None) -> None:
        other = self._other(session)
        if other is None or not other.offered:
            return
        if status < 300 and sdp is not None:
            other.accept_reinvite(sdp)
        else:
            other.reject_reinvite(status)

    # what a carrier does not do

    def on_options(self, incoming: IncomingRequest) -> None:
        incoming.respond(200)

    def on_request(self, incoming: IncomingRequest) -> None:
        incoming.respond(403)

    def on_message(self, session: InviteSession, incoming: IncomingRequest) -> None:
        incoming.respond(403)

    def on_ack(self, session: InviteSession, sdp: str | None) -> None:
        """Nothing waits for it: every call here begins with an offer."""

    def on_changed(self, session: InviteSession) -> None:
        """No state is kept."""

    def on_refer(self, session: InviteSession, refer: Refer) -> None:
        session.reject_refer(refer, 403)

    def on_refer_result(self, session: InviteSession, refer_id: int, status: int) -> None:
        """We send no REFER."""

    def on_info(self, session: InviteSession, request: Request) -> None:
        other = self._other(session)
        if other is not None and not other.ended:
            other.info(request.body, request.content_type)


def _expiry(request: Request, contact: NameAddr | None) -> int:
    text = contact.params.get("expires") if contact is not None else None
    if text is not None and text.isdigit():
        return min(int(text), 3600)
    asked = request.expires
    return min(asked, 3600) if asked is not None else 3600


def _international(number: str) -> str:
    """A number as dialled in Vietnam, in E.164; short ones (emergency) stay as they are."""
    if number.startswith("+") or len(number) < 7:
        return number
    if number.startswith("00"):
        return "+" + number[2:]
    return "+84" + number.removeprefix("0") if number.startswith("0") else "+" + number
