"""Which of two legs is offered another codec."""

from __future__ import annotations

import itertools
import random  # noqa: TID251  (seeded generators only)

import pytest

from tongdai.legs.agreeing import Move, Side, agree, next_move

ALL = ("OPUS", "G722", "PCMU", "PCMA")


def side(leg: str, agreed: str, offered: str = "", passed_over: str = "", **more: bool) -> Side:
    return Side(leg, tuple(agreed.split()), tuple(offered.split()), tuple(passed_over.split()), **more)


@pytest.mark.parametrize(
    ("one", "other", "asked"),
    [
        pytest.param(side("a", "PCMU"), side("b", "PCMU"), None, id="the same"),
        pytest.param(side("a", "PCMU G722"), side("b", "G722 PCMU"), None, id="each understands the other"),
        pytest.param(
            side("a", "G722 PCMU", "G722 PCMU"), side("b", "PCMU"), ("a", "PCMU"), id="what both agreed to"
        ),
        pytest.param(
            side("a", "PCMU", "PCMU G722"), side("b", "G722"), ("a", "G722"), id="what was offered once"
        ),
        pytest.param(
            side("a", "PCMU", "PCMU OPUS"),
            side("b", "OPUS PCMU", "OPUS PCMU"),
            ("a", "OPUS"),
            id="of two ways that which sounds better",
        ),
        pytest.param(
            side("a", "PCMU", "PCMU PCMA", trunk=True),
            side("b", "PCMA", "PCMA PCMU"),
            ("b", "PCMU"),
            id="rather a phone than a carrier",
        ),
        pytest.param(
            side("a", "G722 PCMU", "G722 PCMU"),
            side("b", "OPUS PCMU", "OPUS PCMU"),
            ("a", "PCMU"),
            id="both have to change: one after the other",
        ),
        pytest.param(
            side("a", "PCMU", "G722 PCMU"),
            side("b", "OPUS PCMU", "OPUS PCMU"),
            ("b", "PCMU"),
            id="and the other",
        ),
        pytest.param(side("a", "PCMU", "PCMU"), side("b", "PCMA", "PCMA"), None, id="nothing in common"),
        pytest.param(
            side("a", "G722"), side("b", "PCMU", "PCMU"), ("a", "PCMU"), id="a phone that named one codec"
        ),
        pytest.param(
            side("a", "G722", passed_over="PCMU"),
            side("b", "PCMU", "PCMU"),
            None,
            id="which it had passed over",
        ),
        pytest.param(
            side("a", "G722", trunk=True),
            side("b", "PCMU", "PCMU"),
            None,
            id="a carrier that named one codec",
        ),
        pytest.param(
            side("a", "PCMU", "G729 PCMU"), side("b", "G729", "G729"), ("a", "G729"), id="only passed on"
        ),
        pytest.param(
            side("a", "PCMU", "G729 PCMU"),
            side("b", "G729 PCMA", "G729 PCMA"),
            None,
            id="but not for its own sake",
        ),
        pytest.param(side("a", "G722", "G722 PCMU", can_tell=False), side("b", "PCMU"), None, id="not now"),
        pytest.param(
            side("a", "G722", "G722 PCMU"),
            side("b", "PCMU", can_tell=False),
            None,
            id="not while the other changes",
        ),
        pytest.param(side("a", ""), side("b", "PCMU"), None, id="nothing agreed yet"),
    ],
)
def test_who_is_offered_what(one: Side, other: Side, asked: tuple[str, str] | None) -> None:
    for first, second in ((one, other), (other, one)):
        move = next_move(first, second, ())
        assert (move and (move.leg, move.codec)) == asked
        assert move is None or {move.leg, move.other} == {"a", "b"}


def test_what_was_tried_is_not_asked_again() -> None:
    one, other = side("a", "PCMU", "PCMU OPUS"), side("b", "OPUS PCMU", "OPUS PCMU")
    tried = [Move("a", "b", "OPUS")]
    assert next_move(one, other, tried) == Move("b", "a", "PCMU")
    tried.append(Move("b", "a", "PCMU"))
    assert next_move(one, other, tried) is None
    assert next_move(one, side("c", "OPUS PCMU", "OPUS PCMU"), tried) == Move("a", "c", "OPUS")


@pytest.mark.parametrize("seed", range(200))
def test_whatever_the_peers_answer_it_comes_to_an_end(seed: int) -> None:
    """And two that always take what they are offered agree in the end, when they have something in common."""
    chance = random.Random(seed)
    spoken = {leg: chance.sample(ALL, chance.randint(1, 4)) for leg in "ab"}
    willing = chance.random() < 0.5
    sides = {}
    for leg in "ab":
        told = chance.sample(spoken[leg], chance.randint(1, len(spoken[leg])))
        offered = tuple(spoken[leg]) if willing or chance.random() < 0.5 else ()
        sides[leg] = Side(leg, tuple(told), offered, trunk=chance.random() < 0.2)
    tried: set[Move] = set()
    for turn in itertools.count():
        assert turn <= 2 * len(ALL)
        move = next_move(sides["a"], sides["b"], tried)
        if move is None:
            break
        tried.add(move)
        asked = sides[move.leg]
        takes = move.codec in spoken[move.leg] and (willing or chance.random() < 0.5)
        if takes:
            sides[move.leg] = asked._replace(agreed=(move.codec,))
        elif chance.random() < 0.5:
            sides[move.leg] = asked._replace(agreed=tuple(chance.sample(spoken[move.leg], 1)))
    if willing and set(spoken["a"]) & set(spoken["b"]):
        assert agree(sides["a"].agreed, sides["b"].agreed)
