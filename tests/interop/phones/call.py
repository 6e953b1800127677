"""One call of the raw phone: the dialog (RFC 3261 §12), its offers and answers, and its sound."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.interop.phones.rtp import RtpStream
from tests.interop.phones.sip import (
    Message,
    Session,
    display_of,
    parameter,
    read_sdp,
    uri_of,
    user_of,
    write_sdp,
)
from tests.interop.phones.sound import PATIENCE, Sound

if TYPE_CHECKING:
    from tests.interop.phones.link import Reply
    from tests.interop.phones.raw import RawPhone


class RawCall:
    """A call as one phone sees it. It is an Ear (`samples`), and `rtp` tells about packets."""

    def __init__(self, phone: RawPhone, *, outgoing: bool) -> None:
        self.phone = phone
        self.outgoing = outgoing
        self.call_id = f"{secrets.token_hex(8)}@{phone.host}" if outgoing else ""
        self.local_tag = secrets.token_hex(4)
        self.remote_tag = ""
        self.rtp = RtpStream(phone.tone, phone.media_host)
        if phone.silent:
            self.rtp.speak(None)
        self.invite_message = Message()
        self.provisional: list[Message] = []
        self.final: Message | None = None
        self.requests: list[Message] = []
        self.remote: Session | None = None
        self.ended = asyncio.Event()
        self.ending: Message | None = None
        self.direction = "sendrecv"
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reply: Reply | None = None
        self._cseq = 0
        self._version = 0
        self._described = ""
        self._target = ""
        self._routes: list[str] = []
        self._local = ""
        self._peer = ""
        self._ack: tuple[int, Message] | None = None

    def samples(self) -> Sound:
        return self.rtp.samples()

    # --- what the other party is

    @property
    def caller(self) -> str:
        """Incoming: the user part of From."""
        return user_of(self.invite_message.get("from"))

    @property
    def caller_name(self) -> str:
        """Incoming: the display name in From."""
        return display_of(self.invite_message.get("from"))

    @property
    def dialled(self) -> str:
        """Incoming: the user part of the request URI."""
        return user_of(self.invite_message.uri)

    # --- outgoing

    async def invite(self, uri: str, headers: list[tuple[str, str]]) -> None:
        """Send the INVITE with an offer; provisional and final responses are collected in the background."""
        await self.rtp.open()
        request = self.phone.request("INVITE", uri, uri)
        self.call_id = request.call_id
        self.local_tag = parameter(request.get("from"), "tag")
        self._local, self._peer, self._target = request.get("from"), request.get("to"), uri
        request.add("Contact", self.phone.contact)
        request.add("Content-Type", "application/sdp")
        request.headers += headers
        request.body = self._sdp("sendrecv")
        self.invite_message = request
        self._task = asyncio.ensure_future(self._run_invite(request))

    async def ringing(self, within: float = PATIENCE) -> Message:
        """Wait for 180 or 183; returns it."""
        await self._until(
            lambda: any(m.status in (180, 183) for m in self.provisional), within, "did not ring"
        )
        return next(m for m in self.provisional if m.status in (180, 183))

    async def finished(self, within: float = PATIENCE) -> Message:
        """Wait for the final response of the INVITE; returns it."""
        await self._until(lambda: self.final is not None, within, "got no final response")
        assert self.final is not None
        return self.final

    async def answered(self, within: float = PATIENCE) -> RawCall:
        """Wait for 200; AssertionError when it is another final response."""
        response = await self.finished(within)
        assert response.status == 200, f"{self.invite_message.uri} was not answered:\n{response}"
        return self

    async def cancel(self) -> Message:
        """CANCEL the INVITE that is under way; returns the INVITE's final response."""
        request = Message(method="CANCEL", uri=self.invite_message.uri)
        for name, value in self.invite_message.headers:
            if name in ("Via", "From", "To", "Call-ID", "Max-Forwards", "Route"):
                request.add(name, value)
        request.add("CSeq", f"{self.invite_message.cseq[0]} CANCEL")
        self.phone.link.send(request)
        return await self.finished(self.phone.give_up)

    # --- incoming

    def offered(self, request: Message, reply: Reply) -> None:
        """Take an INVITE; nothing is answered yet."""
        self.invite_message, self._reply, self.call_id = request, reply, request.call_id
        self.remote_tag = parameter(request.get("from"), "tag")
        self._local, self._peer = f"{request.get('to')};tag={self.local_tag}", request.get("from")
        self._target, self._routes = uri_of(request.get("contact")), request.all("record-route")

    def ring(self) -> None:
        """Send 180."""
        self._answer(180, "Ringing", contact=self.phone.contact)

    def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Send a final failure."""
        self._answer(status, reason)
        self.ended.set()

    def send_on(self, to: str) -> None:
        """Send 302 with the extension or number that shall be called instead."""
        self._answer(302, "Moved Temporarily", contact=f"<{self.phone.account.uri(to)}>")
        self.ended.set()

    async def progress(self) -> RawCall:
        """Send 183 with an answer, and begin to speak before the call is answered."""
        body = await self._describe()
        self._answer(
            183, "Session Progress", contact=self.phone.contact, content_type="application/sdp", body=body
        )
        return self

    async def accept(self) -> RawCall:
        """Send 200 with an answer (an offer when the INVITE had none), wait for the ACK, begin to speak."""
        body = await self._describe()
        self._answer(200, "OK", contact=self.phone.contact, content_type="application/sdp", body=body)
        await self._until(
            lambda: any(m.method == "ACK" for m in self.requests), self.phone.give_up, "got no ACK"
        )
        if self.remote is None:
            self._take(read_sdp(next(m for m in self.requests if m.method == "ACK").body))
        return self

    # --- both

    async def hang_up(self) -> Message:
        """BYE; returns the response."""
        response = await self.phone.send(self._in_dialog("BYE"))
        self._end(None)
        return response

    async def hung_up(self, within: float = PATIENCE) -> Message | None:
        """Wait until the other side ended the call; returns its BYE or CANCEL."""
        try:
            await asyncio.wait_for(self.ended.wait(), within)
        except TimeoutError:
            raise AssertionError(
                f"the call of {self.phone.account.username} was not ended in {within} s"
            ) from None
        return self.ending

    async def drop(self) -> None:
        """Get rid of the call in whatever state it is, for the end of a test."""
        if not self.ended.is_set():
            if self.outgoing and self.final is None and self.provisional:
                await self.cancel()
            elif (self.outgoing and self.final is not None and self.final.status == 200) or (
                not self.outgoing and any(m.method == "ACK" for m in self.requests)
            ):
                await self.phone.transact(self._in_dialog("BYE"), give_up=1.0)
            elif not self.outgoing:
                self.reject(480, "Going Away")
        if self._task is not None:
            self._task.cancel()
        self.rtp.close()

    async def reinvite(self, direction: str = "sendrecv", codecs: list[int] | None = None) -> Message:
        """A re-INVITE with a new offer; returns the final response (after the ACK)."""
        request = self._in_dialog("INVITE")
        self.direction = direction
        request.add("Content-Type", "application/sdp")
        request.body = self._sdp(direction, codecs)
        response = await self.phone.send(request)
        if response.status == 200:
            self._acknowledge(request, response)
            self._take(read_sdp(response.body))
        return response

    async def hold(self) -> None:
        """Put the other party on hold: they hear music; we send nothing."""
        response = await self.reinvite("sendonly")
        assert response.status == 200, f"hold was refused:\n{response}"
        assert read_sdp(response.body).direction in ("recvonly", "inactive"), response.body
        self.rtp.mute(True)

    async def resume(self) -> None:
        response = await self.reinvite("sendrecv")
        assert response.status == 200, f"resume was refused:\n{response}"
        assert read_sdp(response.body).direction == "sendrecv", response.body
        self.rtp.mute(False)

    async def refer(self, target: str, *, replaces: RawCall | None = None) -> Message:
        """REFER to a target, or to the other party of `replaces` (attended); returns the response."""
        uri = self.phone.account.uri(target) if target else ""
        if replaces is not None:
            tags = f"{replaces.call_id};to-tag={replaces.remote_tag};from-tag={replaces.local_tag}"
            uri = f"{replaces._target.split(';')[0]}?Replaces={quote(tags, safe='')}"
        request = self._in_dialog("REFER")
        request.add("Refer-To", f"<{uri}>")
        request.add("Referred-By", f"<{self.phone.account.aor}>")
        return await self.phone.send(request)

    async def reported(self, status: int, within: float = PATIENCE) -> None:
        """Wait for a NOTIFY with this status in its sipfrag."""
        complaint = f"heard no {status} of the transfer"
        await self._until(lambda: status in self._fragments(100), within, complaint)

    async def transferred(self, within: float = PATIENCE) -> int:
        """Wait for the NOTIFY that ends the REFER; returns the status in its sipfrag."""
        await self._until(lambda: bool(self._fragments(200)), within, "got no final NOTIFY for the transfer")
        return self._fragments(200)[-1]

    async def info(self, key: str) -> Message:
        """Press a key as phones without RFC 4733 do (SIP INFO); returns the response."""
        request = self._in_dialog("INFO")
        request.add("Content-Type", "application/dtmf-relay")
        request.body = f"Signal={key}\r\nDuration=160\r\n"
        return await self.phone.send(request)

    async def press(self, keys: str, on: float = 0.1, off: float = 0.1) -> None:
        """Press keys (RFC 4733)."""
        await self.rtp.press(keys, on, off)

    async def hears_keys(self, keys: str, within: float = PATIENCE) -> None:
        """Wait until exactly these keys were received."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self.rtp.keys() != keys:
            assert loop.time() <= deadline, f"received the keys {self.rtp.keys()!r}, expected {keys!r}"
            await asyncio.sleep(0.05)

    def on_request(self, request: Message, reply: Reply) -> None:
        """A request within the dialog."""
        self.requests.append(request)
        if request.method == "ACK":
            pass
        elif request.method == "BYE":
            self.phone.respond(request, reply, 200, "OK")
            self._end(request)
        elif request.method == "CANCEL":
            self.phone.respond(request, reply, 200, "OK", tag=self.local_tag)
            if self.final is None:
                self._answer(487, "Request Terminated")
            self._end(request)
        elif request.method == "INVITE":
            self._on_reinvite(request, reply)
        else:
            self.phone.respond(request, reply, 200, "OK", tag=self.local_tag)
        self._changed.set()

    def acknowledge_again(self, response: Message) -> None:
        """A 200 that was sent again: our ACK was lost."""
        if self._ack is not None and self._ack[0] == response.cseq[0] and self.final is not None:
            self.phone.link.send(self._ack[1])

    def _on_reinvite(self, request: Message, reply: Reply) -> None:
        if request.body:
            self._take(read_sdp(request.body))
        assert self.remote is not None
        mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(
            self.remote.direction, self.remote.direction
        )
        body = self._sdp(mirrored)
        headers = {"contact": self.phone.contact, "content_type": "application/sdp"}
        self.phone.respond(request, reply, 200, "OK", tag=self.local_tag, body=body, **headers)

    async def _run_invite(self, request: Message) -> None:
        response = await self.phone.send(request, on_provisional=self._on_provisional)
        self.remote_tag = parameter(response.get("to"), "tag")
        self._cseq = request.cseq[0]
        if response.status == 200:
            self._peer = response.get("to")
            self._target = uri_of(response.get("contact"))
            self._routes = response.all("record-route")[::-1]
            self._acknowledge(request, response)
            self._take(read_sdp(response.body))
        else:
            self.ended.set()
        self.final = response
        self._changed.set()

    def _on_provisional(self, response: Message) -> None:
        self.provisional.append(response)
        if response.body:
            self._take(read_sdp(response.body))
        self._changed.set()

    def _acknowledge(self, request: Message, response: Message) -> None:
        number = request.cseq[0]
        ack = self._in_dialog("ACK", number)
        self.phone.add_via(ack)
        self._ack = (number, ack)
        self.phone.link.send(ack)

    def _in_dialog(self, method: str, number: int = 0) -> Message:
        if not number:
            self._cseq = max(self._cseq, self.invite_message.cseq[0] if self.outgoing else 0) + 1
        request = Message(method=method, uri=self._target)
        request.add("Max-Forwards", "70")
        for route in self._routes:
            request.add("Route", route)
        request.add("From", self._local)
        request.add("To", self._peer)
        request.add("Call-ID", self.call_id)
        request.add("CSeq", f"{number or self._cseq} {method}")
        if method in ("INVITE", "REFER"):
            request.add("Contact", self.phone.contact)
        return request

    def _answer(self, status: int, reason: str, **more: str) -> None:
        assert self._reply is not None, "not an incoming call"
        response = self.phone.respond(
            self.invite_message, self._reply, status, reason, tag=self.local_tag, **more
        )
        if status >= 200:
            self.final = response

    async def _describe(self) -> str:
        """The description for all responses to the INVITE, which is the same in each."""
        if not self._described:
            await self.rtp.open()
            if self.invite_message.body:
                self._take(read_sdp(self.invite_message.body))
            self._described = self._sdp("sendrecv")
        return self._described

    def _sdp(self, direction: str, codecs: list[int] | None = None) -> str:
        self._version += 1
        offered = codecs or self.phone.codecs
        if self.remote is not None and codecs is None:
            offered = [codec for codec in offered if codec in self.remote.codecs] or offered
        return write_sdp(
            self.phone.media_host,
            self.rtp.port,
            offered,
            101,
            direction,
            self._version,
            self.phone.protocol,
            self.phone.attributes,
        )

    def _take(self, session: Session) -> None:
        self.remote = session
        common = [codec for codec in session.codecs if codec in self.phone.codecs]
        assert common, f"no common codec: {session}"
        host = self.phone.mapped.get(session.host, session.host)
        self.rtp.start((host, session.port), common[0], session.event_payload)

    def _end(self, message: Message | None) -> None:
        self.ending = message
        self.rtp.mute(True)
        self.ended.set()
        self._changed.set()

    def _fragments(self, least: int) -> list[int]:
        bodies = [m.body for m in self.requests if m.method == "NOTIFY" and m.body.startswith("SIP/2.0 ")]
        return [status for body in bodies if (status := int(body.split()[1])) >= least]

    async def _until(self, condition: _Condition, within: float, complaint: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not condition():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                last = self.final or (self.provisional[-1] if self.provisional else "nothing was received")
                message = f"call of {self.phone.account.username} to {self.invite_message.uri} {complaint} "
                raise AssertionError(f"{message}in {within} s; last: {last}") from None


if TYPE_CHECKING:
    from collections.abc import Callable

    _Condition = Callable[[], bool]
