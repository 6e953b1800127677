"""Session timers: a call whose peer has silently gone ends (RFC 4028)."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.sip.message import Message, ParseError, Request, Response
from tongdai.sip.timers import Timer
from tongdai.sip.ua.part import Part

SHORTEST = 90
"""Seconds; who asks for a shorter interval is told this one (§4)."""

_MARGIN = 32.0
"""Seconds before its end at which a session that was not refreshed is given up (§10)."""

_UPDATE_UNKNOWN = (405, 501)


class SessionTimer(Part):
    """The timer of one session. What was agreed is in `DialogState.session_seconds` and `we_refresh`."""

    _wanted: int
    """Seconds that we ask for; 0: none."""
    _timer: Timer | None = None

    # -- what messages say

    def asks(self) -> list[tuple[str, str]]:
        """The fields of a request of ours that refreshes the session."""
        state = self._state
        if state.phase == "early":
            if not self._wanted:
                return []
            value = f"{self._wanted};refresher=uac"
        elif state.session_seconds:
            value = f"{state.session_seconds};refresher={'uac' if state.we_refresh else 'uas'}"
        else:
            return []
        fields = [("Session-Expires", value)]
        if state.min_session_seconds:
            fields.append(("Min-SE", str(state.min_session_seconds)))
        return fields

    def answers(self, request: Request, now: float) -> list[tuple[str, str]]:
        """The fields of our 2xx to a request that refreshes the session and that `refusal` let pass (§9); the
        timer runs anew.

        Where the peer leaves it open, we refresh: phones that only claim to know timers then stay connected.
        """
        state = self._state
        asked, theirs = _read(request), _knows_timers(request)
        if asked is not None:
            # A proxy may have asked for a phone that does not know timers: that one cannot refresh, or be
            # told that the interval is too short.
            seconds = max(asked[0], SHORTEST)
            state.we_refresh = asked[1] != "uac" or not theirs
        elif theirs and self._wanted:
            seconds = max(self._wanted, request.number("Min-SE", 0) or 0)
            state.we_refresh = True
        else:
            seconds = 0
        state.session_seconds = seconds
        self.run(now)
        if not seconds:
            return []
        fields = [("Session-Expires", f"{seconds};refresher={'uas' if state.we_refresh else 'uac'}")]
        return [("Require", "timer"), *fields] if theirs else fields

    def agreed(self, response: Response, now: float) -> None:
        """Our request that refreshes the session had a 2xx (§7.2); the timer runs anew."""
        state = self._state
        try:
            agreed = _read(response)
        except ParseError:
            agreed = None  # the call is answered all the same
        state.session_seconds = max(agreed[0], SHORTEST) if agreed is not None else 0
        state.we_refresh = agreed is not None and agreed[1] != "uas"
        self.run(now)

    def raise_to(self, response: Response) -> bool:
        """Our request had a 422: whether it may be sent again with the interval that the peer names
        (§7.3)."""
        state = self._state
        try:
            least = response.number("Min-SE")
        except ParseError:
            return False
        if least is None or least <= max(state.session_seconds or self._wanted, state.min_session_seconds):
            return False
        state.min_session_seconds = self._wanted = least
        if state.session_seconds:
            state.session_seconds = least
        return True

    # -- time

    def run(self, now: float) -> None:
        """Begin anew with what is agreed: half the interval until our refresh, or nearly all of it for
        theirs."""
        seconds = self._state.session_seconds
        if not seconds:
            self.stop()
        elif self._state.we_refresh:
            self._at(now + seconds / 2, self.refresh)
        else:
            self._at(now + seconds - min(_MARGIN, seconds / 3), self._expire)

    def resume(self, now: float) -> None:
        """Continue after a restore. When the last refresh was, nobody knows: ours is soon, but not that of
        all calls at once; theirs has all its time."""
        state = self._state
        if state.session_seconds and state.we_refresh:
            self._at(now + self._core.fraction() * state.session_seconds / 4, self.refresh)
        else:
            self.run(now)

    def stop(self) -> None:
        """No more."""
        if self._timer is not None:
            self._core.timers.cancel(self._timer)
            self._timer = None

    def refresh(self, now: float) -> None:
        """Show that we are there, and see whether they are: by UPDATE, as it leaves the media alone, else by
        a re-INVITE that offers what is already agreed (§7.4)."""
        session = self.session
        self.again(now)
        if session.state.peer_updates:
            session.send_in_dialog("UPDATE", now, self.asks(), on_final=self._refreshed)
        elif not session.offered and session.local_sdp is not None:
            session.refresh_by_reinvite(now)
        self._core.handler.on_changed(session)

    def again(self, now: float) -> None:
        """Refresh once more before the interval ends, unless this one succeeds."""
        self._at(now + self._state.session_seconds / 4, self.refresh)

    def _refreshed(self, status: int, response: Response | None) -> None:
        """Whatever a peer answers, it is there: only its silence (408) and a dialog that it does not know
        (481) end the call, and `send_in_dialog` sees to those."""
        session, now = self.session, self._core.clock()
        if session.ended or response is None:
            return
        if status < 300:
            self.agreed(response, now)
            self._core.handler.on_changed(session)
        elif status in _UPDATE_UNKNOWN:
            session.state.peer_updates = False
            self.refresh(now)
        elif status == 422 and self.raise_to(response):
            self.refresh(now)

    def _expire(self, now: float) -> None:
        self._timer = None
        self.session.ending.lose(408, "the refresh of the session")

    def _at(self, when: float, call: Callable[[float], None]) -> None:
        self.stop()
        self._timer = self._core.timers.schedule(when, call)


def refusal(request: Request) -> list[tuple[str, str]] | None:
    """The fields of a 422 when a request asks for an interval that is too short. Raises `ParseError`."""
    asked, _ = _read(request), request.number("Min-SE")
    if asked is None or asked[0] >= SHORTEST or not _knows_timers(request):
        return None
    return [("Min-SE", str(SHORTEST))]


def _read(message: Message) -> tuple[int, str] | None:
    """Interval in seconds and refresher of Session-Expires. Raises `ParseError`."""
    seconds = message.number("Session-Expires")
    if seconds is None:
        return None
    text = (message.headers.get("Session-Expires") or "").partition(";")[2]
    params = (param.partition("=") for param in text.lower().split(";"))
    refresher = next((value.strip() for name, _, value in params if name.strip() == "refresher"), "")
    return seconds, refresher


def _knows_timers(message: Message) -> bool:
    return "timer" in message.tokens("Supported") or "timer" in message.tokens("Require")
