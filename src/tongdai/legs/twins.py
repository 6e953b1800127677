"""Calls to a number that is hosted here: two legs, one in each tenant's call, whose media sessions face each
other.

Either tenant sees an ordinary outside call: no trunk is used, and nothing of one is visible to the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping, Sequence

import msgspec

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Cause
from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.legs.leg import CODECS, SipLeg, numbered, spoken_by
from tongdai.legs.ports import Edge, LegMedia, Opened, Post
from tongdai.sdp import TELEPHONE_EVENT, TELEPHONE_EVENT_48000, Codec, Negotiated, NegotiatedCodec

log = get_logger(__name__)

_TWIN = "twin/"
_FIRST = "PCMU"
"""What is made for a side of which nothing is known yet."""


class Twin(msgspec.Struct):
    """One of the two legs. `caller` is the one in the call that dialled."""

    id: str
    tenant: str
    other: str
    caller: bool
    answered: bool = False
    faced: bool = False
    """Both media sessions are there, and send to each other."""
    match: str = ""
    """The leg of its own call whose codecs matter here: it hears this one, or will."""
    ip: str = ""
    port: int = 0
    rtcp_port: int = 0
    """Where its media session receives."""


class Twins:
    """The pairs of legs of hosted numbers."""

    def __init__(
        self,
        edge: Edge,
        media: LegMedia,
        post: Post,
        new_id: Callable[[], str],
        matched: Callable[[str], SipLeg | None],
    ) -> None:
        """`matched` finds a leg of SIP."""
        self._matched = matched
        self._edge = edge
        self._media = media
        self._post = post
        self._new_id = new_id
        self._legs: dict[str, Twin] = {}
        self._dirty: dict[str, None] = {}

    def create(self, tenant: str, command: c.CreateLeg, target: c.HostedTarget) -> None:
        """Open both media sessions, face them to each other, offer the far leg to the tenant of the
        number.
        """
        owner = self._edge.tenant_of_number(target.number)
        if owner is None:
            self._post(tenant, e.LegEnded(command.leg, Cause.NOT_FOUND))
            return
        call = self._new_id()
        near = Twin(command.leg, tenant, f"{call}.l0", caller=True, match=command.match)
        far = Twin(near.other, owner, near.id, caller=False)
        self._legs[near.id], self._legs[far.id] = near, far
        offered = e.LegOffered(
            call,
            far.id,
            command.caller.seen,
            target.number,
            hops=command.hops + len(command.diversions),
            max_forwards=command.max_forwards,
        )

        def opened(there: bool) -> None:
            if there:
                self._post(owner, offered)
            else:
                self._drop(near, far)
                self._post(tenant, e.LegEnded(near.id, Cause.CONGESTION))

        self._open((near, far), opened)

    def _open(self, legs: Sequence[Twin], done: Callable[[bool], None]) -> None:
        """Open the media sessions of a pair, or of the one of it that has none, and face them to each other;
        `done(False)` when there is no place."""
        there: set[str] = set()

        def opened(leg: Twin, result: Opened | None, error: str) -> None:
            if leg.id not in self._legs:
                return
            if result is None:
                done(False)
                return
            leg.ip, leg.port, leg.rtcp_port = result.ip, result.port, result.rtcp_port
            there.add(leg.id)
            if len(there) == len(legs):
                leg.faced = self._legs[leg.other].faced = True
                self._face(leg)
                done(True)

        for leg in legs:
            self._media.open(leg.tenant, leg.id, functools.partial(opened, leg))

    def rebuild(self, legs: Container[str]) -> None:
        """The engine of these is gone: face them to each other, or to who is not gone, in another one."""
        for near in tuple(self._legs.values()):
            if near.caller and (near.faced or near.answered):
                gone = [leg for leg in (near, self._legs[near.other]) if leg.id in legs]
                if gone:
                    self._open(gone, self._again(near.id))

    def _again(self, leg: str) -> Callable[[bool], None]:
        def opened(there: bool) -> None:
            if not there:
                self.lost(leg)

        return opened

    def _face(self, leg: Twin) -> None:
        """Tell the engine of both what goes between them: every codec that there is, so that nothing is
        decoded for the way, and first what is spoken at its end, as that is what is made for it."""
        other = self._legs[leg.other]
        foreign = numbered(self._foreign(leg, other))
        for one, at in ((leg, other), (other, leg)):
            self._dirty[one.id] = None
            if one.port and at.port:
                spoken, _ = spoken_by(self._matched(self.behind(one.id)))
                names = dict.fromkeys((*(name for name in spoken if name in CODECS), _FIRST, *CODECS))
                codecs = [_as_it_is(codec) for codec in (*(CODECS[name] for name in names), *foreign)]
                keys = [_as_it_is(TELEPHONE_EVENT), _as_it_is(TELEPHONE_EVENT_48000)]
                there = Negotiated(codecs, keys, at.ip, at.port, at.rtcp_port, "sendrecv", held_by_peer=False)
                self._media.remote(one.id, there)

    def _foreign(self, *legs: Twin) -> list[Codec]:
        """What is spoken at either end and only passed on."""
        found: list[Codec] = []
        for leg in legs:
            _, foreign = spoken_by(self._matched(self.behind(leg.id)))
            found += (codec for codec in foreign if not any(codec.same_as(known) for known in found))
        return found

    def other(self, leg: str) -> str:
        """The leg that faces this one, empty for one that has none."""
        return self._legs[leg].other if leg in self._legs else ""

    def behind(self, leg: str) -> str:
        """The leg of SIP whose codecs matter to who hears this one: itself, or the one behind its pair, or
        behind the next pair when the call goes on to another tenant."""
        for _ in range(len(self._legs)):
            if leg not in self._legs:
                break
            leg = self._legs[self._legs[leg].other].match
        return leg

    def hears(self, leg: str, other: str) -> None:
        """A leg hears another one: what is made for the ends of a pair may be another codec now."""
        if (twin := self._legs.get(leg)) is not None:
            twin.match = other
        for one in (leg, other):
            if one in self._legs:
                self._face(self._legs[one])

    def _drop(self, *twins: Twin) -> None:
        for twin in twins:
            if self._legs.pop(twin.id, None) is not None:
                self._dirty[twin.id] = None
                self._media.close(twin.id)

    # what the far call does is what the near call sees

    def ring(self, leg: str) -> None:
        twin = self._legs.get(leg)
        if twin is not None:
            self._post(self._legs[twin.other].tenant, e.LegRinging(twin.other))

    def progress(self, leg: str, match: str) -> None:
        twin = self._legs.get(leg)
        if twin is not None:
            self._match(twin, match)
            self._post(self._legs[twin.other].tenant, e.LegProgress(twin.other))

    def answer(self, leg: str, match: str) -> None:
        twin = self._legs.get(leg)
        if twin is None:
            return
        other = self._legs[twin.other]
        twin.answered = other.answered = True
        self._match(twin, match)
        self._post(other.tenant, e.LegAnswered(other.id))

    def _match(self, twin: Twin, match: str) -> None:
        """What its own call lets it hear is this leg, if any."""
        twin.match = match or twin.match
        self._face(twin)

    def hangup(self, leg: str, cause: Cause) -> None:
        """One side ended its leg: the other side's ends too, for the same cause."""
        twin = self._legs.get(leg)
        if twin is None:
            return
        other = self._legs[twin.other]
        if twin.answered:
            cause = Cause.NORMAL
        elif twin.caller:
            cause = Cause.CANCELLED
        self._drop(twin, other)
        self._post(other.tenant, e.LegEnded(other.id, cause))

    def lost(self, leg: str) -> None:
        """A media session is gone: both legs end."""
        twin = self._legs.get(leg)
        if twin is not None:
            other = self._legs[twin.other]
            self._drop(twin, other)
            self._post(twin.tenant, e.LegEnded(twin.id, Cause.FAILED))
            self._post(other.tenant, e.LegEnded(other.id, Cause.FAILED))

    def all(self) -> list[str]:
        return list(self._legs)

    @property
    def settled(self) -> bool:
        """All have their sound."""
        return all(twin.faced or twin.answered for twin in self._legs.values())

    def journal(self, journal: Journal) -> None:
        """Write what changed."""
        for leg in self._dirty:
            twin = self._legs.get(leg)
            if twin is not None:
                journal.put(_TWIN + leg, msgspec.msgpack.encode(twin))
            else:
                journal.delete(_TWIN + leg)
        self._dirty.clear()

    def restore(self, entries: Mapping[str, bytes]) -> dict[str, str]:
        """Take over the pairs of a process that is gone; returns their legs with their tenants."""
        found: dict[str, Twin] = {}
        for key, value in entries.items():
            if key.startswith(_TWIN):
                try:
                    twin = msgspec.msgpack.decode(value, type=Twin)
                    found[twin.id] = twin
                except msgspec.DecodeError as error:
                    log.error("a journaled leg cannot be read; dropped", key=key, error=str(error))
                    self._dirty[key.removeprefix(_TWIN)] = None
        self._legs = {twin.id: twin for twin in found.values() if twin.other in found}
        self._dirty |= dict.fromkeys(found.keys() - self._legs.keys())
        return {twin.id: twin.tenant for twin in self._legs.values()}


def _as_it_is(codec: Codec) -> NegotiatedCodec:
    """Under one number both ways: both ends are ours."""
    number = codec.payload_type
    return NegotiatedCodec(codec.name, codec.clock_rate, number, number, codec.fmtp)
