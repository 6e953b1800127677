"""Two legs that hear each other get the same codec, where signalling can do it: what one agreed on when it
called may not be what the party speaks to whom it was transferred."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tongdai import sdp
from tongdai.core.log import get_logger
from tongdai.legs.agreeing import Move, agree, next_move
from tongdai.legs.leg import SipLeg, spoken_by

log = get_logger(__name__)


class Renegotiation:
    """Offers another codec to one of them by a re-INVITE (RFC 3261 §14); whatever comes of it, the call goes
    on."""

    def __init__(
        self,
        *,
        matched: Callable[[str], SipLeg | None],
        facing: Callable[[str], str],
        changed: Callable[[SipLeg], None],
    ) -> None:
        """`matched` finds a leg of SIP; `facing` is the other one of a pair within (ADR 4), empty for what is
        no such leg; `changed` is told which has something new for the journal."""
        self._matched = matched
        self._facing = facing
        self._changed = changed
        self._hears: dict[str, str] = {}
        self._tried: dict[str, set[Move]] = {}
        """By the leg that was asked."""

    def hears(self, leg: str, other: str) -> None:
        """A leg hears another one, or none (empty)."""
        if other:
            self._hears[leg] = other
            self.look(leg)
        else:
            self._hears.pop(leg, None)

    def forget(self, leg: str) -> None:
        """It is over."""
        self._hears.pop(leg, None)
        self._tried.pop(leg, None)

    def partner(self, leg: SipLeg) -> SipLeg | None:
        """The leg that it talks to: each hears the other, maybe through a pair within."""
        here, other = leg.id, self._hears.get(leg.id, "")
        while self._hears.get(other) == here:
            here = self._facing(other)
            if not here:
                return self._matched(other)
            other = self._hears.get(here, "")
        return None

    def preferred(self, leg: SipLeg) -> tuple[Sequence[str], Sequence[sdp.Codec]]:
        """What an offer of its peer is best answered with: what the other speaks, or what is in use; and what
        among it we only pass on."""
        theirs, foreign = spoken_by(self.partner(leg))
        own = (codec for codec in leg.record.foreign if not any(codec.same_as(other) for other in foreign))
        return list(dict.fromkeys((*theirs, *leg.record.codecs))), (*foreign, *own)

    def look(self, leg_id: str) -> None:
        """Something has changed: if there is a way to make the leg agree with whom it talks to, take it."""
        leg = self._matched(leg_id) or self._matched(self._hears.get(leg_id, ""))
        other = self.partner(leg) if leg is not None else None
        if leg is None or other is None or not _differ(leg, other):
            return
        tried = self._tried.get(leg.id, set()) | self._tried.get(other.id, set())
        move = next_move(leg.side, other.side, tried)
        if move is not None:
            asked = leg if move.leg == leg.id else other
            self._tried.setdefault(asked.id, set()).add(move)
            asked.session_in_use.reinvite(lambda: self._offer(asked, move))

    def _offer(self, leg: SipLeg, move: Move) -> str:
        """The offer, if there still is a reason for it."""
        leg.take_back()
        other = self.partner(leg)
        if leg.gone or leg.record.held or other is None or other.id != move.other:
            self._tried.get(leg.id, set()).discard(move)  # when they meet again
            return ""
        if not _differ(leg, other):
            return ""
        log.info("a leg is offered another codec", tenant=leg.record.tenant, leg=leg.id, codec=move.codec)
        offer = leg.offer_codec(move.codec, *spoken_by(other))
        self._changed(leg)
        return offer

    def answered(self, leg: SipLeg, status: int) -> None:
        """Our re-INVITE has its result; refused, what held before does."""
        if status >= 300:
            leg.take_back()
            self._changed(leg)


def _differ(leg: SipLeg, other: SipLeg) -> bool:
    """Both have agreed with their peers on something, and not on the same."""
    ours, theirs = leg.record.codecs, other.record.codecs
    return bool(ours and theirs) and not agree(ours, theirs)
