"""REFER and its implicit subscription inside a session (RFC 3515, RFC 4488, RFC 3891, RFC 3892)."""

from __future__ import annotations

import re

import msgspec

from tongdai.sip.message import (
    NameAddr,
    ParseError,
    Replaces,
    Request,
    Response,
    SipUri,
    reason_phrase,
    split_list,
)
from tongdai.sip.transaction import ServerTransaction
from tongdai.sip.ua.core import HeaderList, SessionError
from tongdai.sip.ua.handler import Refer
from tongdai.sip.ua.part import Part
from tongdai.sip.ua.state import ReferState

_SUBSCRIPTION_SECONDS = 180
_fragment = re.compile(rb"SIP/2\.0 ([1-6][0-9][0-9])").match


class Transfers(Part):
    """The transfers of one session; its state is in `DialogState.refers`."""

    _waiting: dict[int, tuple[Request, ServerTransaction]] = msgspec.field(default_factory=dict)

    # -- asked by the peer

    def receive_refer(self, request: Request, transaction: ServerTransaction) -> None:
        """Tell the owner. Raises `ParseError`."""
        refer = read_refer(request)
        refers = self._state.refers
        refers.append(ReferState(refer.id, refer.id, False, with_id=bool(refers)))
        self._waiting[refer.id] = (request, transaction)
        self._core.handler.on_refer(self.session, refer)

    def accept(self, refer: Refer, now: float) -> None:
        """202, then the first NOTIFY."""
        headers = [] if refer.subscribe else [("Refer-Sub", "false")]
        self._answer(refer, 202, None, headers, now)
        if refer.subscribe:
            self._find(refer.id).active = True
            self.notify(refer.id, 100, None, now)

    def reject(self, refer: Refer, status: int, reason: str | None, now: float) -> None:
        """Refuse."""
        self._answer(refer, status, reason, [], now)

    def notify(self, refer_id: int, status: int, reason: str | None, now: float) -> None:
        """Send a sipfrag; a final status is the last. Without a subscription nothing is sent."""
        refer = self._find(refer_id)
        if not refer.active:
            return
        event = f"refer;id={refer.cseq}" if refer.with_id else "refer"
        if status >= 200:
            refer.active = False
            subscription = "terminated;reason=noresource"
        else:
            subscription = f"active;expires={_SUBSCRIPTION_SECONDS}"
        body = f"SIP/2.0 {status} {reason or reason_phrase(status)}\r\n".encode()
        headers = [("Event", event), ("Subscription-State", subscription)]
        self.session.send_in_dialog("NOTIFY", now, headers, body, "message/sipfrag;version=2.0")

    def drop_waiting(self, now: float) -> None:
        """The session is over: answer what still waits."""
        for request, transaction in self._waiting.values():
            if not transaction.answered:
                transaction.respond(request.response(481), now)
        self._waiting.clear()

    def _answer(self, refer: Refer, status: int, reason: str | None, headers: HeaderList, now: float) -> None:
        waiting = self._waiting.pop(refer.id, None)
        if waiting is None:
            raise SessionError(f"no REFER {refer.id} waits for an answer")
        request, transaction = waiting
        contact = [("Contact", f"<{self._state.local_contact}>")] if status < 300 else []
        fields = [*contact, ("Server", self._core.product), *headers]
        transaction.respond(request.response(status, reason, fields), now)

    def _find(self, refer_id: int) -> ReferState:
        for refer in self._state.refers:
            if refer.id == refer_id:
                return refer
        raise SessionError(f"no REFER {refer_id} in this session")

    # -- asked by us

    def send_refer(self, refer_to: str, headers: HeaderList, now: float) -> int:
        """Send a REFER; returns its id."""
        state = self._state
        target = refer_to if refer_to.rstrip().endswith(">") else f"<{refer_to}>"
        refer = ReferState(0, 0, True, with_id=bool(state.refers))
        state.refers.append(refer)

        def note(request: Request) -> None:
            refer.cseq = request.cseq.number
            refer.id = refer.id or refer.cseq

        def final(status: int, response: Response | None) -> None:
            refer.active = refer.active or status < 300
            self._core.handler.on_refer_result(self.session, refer.id, status)

        fields = [("Refer-To", target), ("Referred-By", state.local_uri), *headers]
        self.session.send_in_dialog("REFER", now, fields, on_final=final, on_built=note)
        return refer.id

    def receive_notify(self, request: Request) -> bool:
        """Take a NOTIFY of one of our REFERs; False when it is none. Raises `ParseError`."""
        package, _, params = (request.headers.get("Event") or "").partition(";")
        if package.strip().lower() != "refer":
            return False
        name, _, number = params.partition("=")
        ours = [refer for refer in self._state.refers if refer.sent_by_us]
        if name.strip().lower() == "id" and number.strip().isdecimal():
            ours = [refer for refer in ours if refer.cseq == int(number[:12])]
        else:
            ours = [refer for refer in ours if not refer.with_id] or ours[-1:]
        if not ours:
            return False
        found = _fragment(request.body)
        if found is None:
            raise ParseError("NOTIFY of refer without a status line")
        refer, status = ours[-1], int(found[1])
        ended = (request.headers.get("Subscription-State") or "").lower().startswith("terminated")
        refer.active = not ended and status < 200
        self._core.handler.on_refer_result(self.session, refer.id, 408 if ended and status < 200 else status)
        return True


def read_refer(request: Request) -> Refer:
    """What a REFER asks for. Raises `ParseError`."""
    value = request.headers.get("Refer-To")
    if not value:
        raise ParseError("REFER without Refer-To")
    refer_to = NameAddr.parse(value)
    uri = refer_to.uri
    replaces = None
    rest = []
    for name, text in uri.headers:
        if name.lower() == "replaces":
            replaces = Replaces.parse(text)
        else:
            rest.append((name, text))
    if replaces is not None:
        plain = SipUri(uri.host, uri.user, uri.port, uri.scheme, uri.password, uri.params, rest)
        refer_to = NameAddr(str(plain), refer_to.display, refer_to.params)
    subscribe = (request.headers.get("Refer-Sub") or "true").partition(";")[0].strip().lower() != "false"
    return Refer(request.cseq.number, refer_to, _read_referred_by(request), replaces, subscribe)


def _read_referred_by(request: Request) -> str | None:
    """Referred-By (RFC 3892 §3): at most one, and a SIP URI. Raises `ParseError`."""
    given = request.headers.get_all("Referred-By")
    if len(given) > 1 or (given and len(split_list(given[0])) > 1):
        raise ParseError("Referred-By twice")
    if given:
        NameAddr.parse(given[0]).uri  # noqa: B018  (bad: 400)
    return given[0] if given else None
