"""Which of two legs that hear each other is offered another codec, so that nothing is transcoded between
them. Pure.

An answerer says which of the offered formats it takes, the one that it would rather use first, and should be
sent that one (RFC 3264 §6.1, §7). So a leg sends the first codec of what was agreed on, and is understood
without transcoding where the other leg has agreed on that one as well."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

_WORTH = {"OPUS": 0, "G722": 1, "PCMA": 2, "PCMU": 2}
"""What sounds better comes first. A codec that we only pass on is asked for where a leg has nothing else: who
has none of ours is played no prompt and no music."""


class Side(NamedTuple):
    """What is known of a leg's codecs; names in capitals."""

    leg: str
    agreed: tuple[str, ...]
    """What its peer and we take; the first is what it sends."""
    offered: tuple[str, ...] = ()
    """What its peer speaks, by the last offer it made; empty when it has only answered so far."""
    passed_over: tuple[str, ...] = ()
    """Of who has only answered: what we offered in front of what it chose. It does not want that."""
    can_tell: bool = True
    """An offer can be made now: nobody holds the call, and nothing else waits for an answer."""
    trunk: bool = False

    def speaks(self, codec: str) -> bool:
        """It has said that it does."""
        return codec in self.agreed or codec in self.offered

    def might_speak(self, codec: str) -> bool:
        """It has not said so, and had no reason to: many phones name the one codec that they choose, and
        nothing else. A carrier has told all that it takes."""
        return not (self.trunk or self.offered or codec in self.passed_over)


class Move(NamedTuple):
    """Offer `codec` to `leg` in the first place, because of `other`."""

    leg: str
    other: str
    codec: str


def agree(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether of two that have agreed on these each understands what the other sends."""
    return one[0] in other and other[0] in one


def next_move(one: Side, other: Side, tried: Container[Move]) -> Move | None:
    """What to offer, None when they agree or nothing is left to try. Nothing of `tried` is asked for again,
    so that this comes to an end whatever the peers answer.

    First what makes them agree at once: one takes what the other sends, of two such the better codec, and
    rather a phone than a carrier. Then what both have said they speak, though both have to change. Last what
    a phone might speak that has not said so."""
    settled = one.agreed and other.agreed and one.can_tell and other.can_tell
    if not settled or agree(one.agreed, other.agreed):
        return None
    pairs = ((one, other), (other, one))
    known = [(side, to, to.agreed[0]) for side, to in pairs if side.speaks(to.agreed[0])]
    both = [
        (side, to, codec)
        for codec in sorted(_WORTH, key=_WORTH.__getitem__)
        if one.speaks(codec) and other.speaks(codec)
        for side, to in pairs
        if side.agreed[0] != codec
    ]
    unsaid = [(side, to, to.agreed[0]) for side, to in pairs if side.might_speak(to.agreed[0])]
    for group in (known, both, unsaid):
        group.sort(key=lambda found: (_WORTH.get(found[2], len(_WORTH)), found[0].trunk, found[0].leg))
        for side, to, codec in group:
            move = Move(side.leg, to.leg, codec)
            if (codec in _WORTH or _WORTH.keys().isdisjoint(to.agreed)) and move not in tried:
                return move
    return None
