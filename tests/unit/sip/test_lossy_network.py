"""Calls over a network that loses, doubles and reorders datagrams. Every seed is a different story."""

from __future__ import annotations

import random  # noqa: TID251  (seeded generators only)

import pytest
from tests.unit.sip.network import ANSWER, OFFER, Network, Node, establish, hang_up

from tongdai.sip.ua import InviteSession, SessionError

OVER = {"bye", "ended", "failed", "cancelled"}


class Story:
    """One call with random turns; `left` are the sessions that their own side has hung up."""

    def __init__(self, seed: int, loss: float) -> None:
        self.random = random.Random(seed)
        self.network = Network(seed, loss=loss, duplicate=0.1, delay=(0.005, 0.3))
        self.caller = self.network.node("192.0.2.1")
        self.callee = self.network.node("192.0.2.2")
        self.left: set[str] = set()
        for node in (self.caller, self.callee):
            node.handler.on["reinvite"] = self.on_reinvite
            node.handler.on["refer"] = lambda session, refer: session.accept_refer(refer)
        self.callee.handler.on["invite"] = self.on_invite

    def on_invite(self, session: InviteSession) -> None:
        self.random.choice(
            [
                lambda: session.accept(ANSWER),
                lambda: session.progress(180),
                lambda: session.progress(183, ANSWER),
            ]
        )()

    def on_reinvite(self, session: InviteSession, sdp: str | None) -> None:
        if self.random.random() < 0.2:
            session.reject_reinvite(488)
        else:
            session.accept_reinvite(ANSWER)

    def sessions(self, node: Node) -> list[InviteSession]:
        return node.agent.sessions()

    def step(self) -> None:
        """Do something to a random session that lives."""
        node = self.random.choice([self.caller, self.callee])
        for session in self.sessions(node):
            action = self.random.choice(["hold", "refer", "info", "answer", "nothing", "nothing"])
            try:
                if action == "hold":
                    session.reinvite(OFFER)
                elif action == "refer":
                    session.refer("sip:third@192.0.2.3")
                elif action == "info":
                    session.info(b"Signal=1", "application/dtmf-relay")
                elif action == "answer":
                    session.accept(ANSWER)
            except SessionError:
                pass

    def hang_up(self) -> None:
        node = self.random.choice([self.caller, self.callee])
        for session in self.sessions(node):
            self.left.add(session.key)
            session.bye()


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(25))
def test_every_call_ends_on_both_sides_and_leaves_nothing(seed: int, loss: float) -> None:
    story = Story(seed, loss)
    sessions = [story.caller.call(story.callee)]
    for _ in range(story.random.randint(2, 12)):
        story.network.run(story.random.uniform(0.0, 2.5))
        story.step()
    sessions += [event[1] for event in story.callee.handler.events if event[0] == "invite"]
    story.hang_up()
    story.network.run(200)
    assert len(sessions) <= 2
    for session in sessions:
        assert session.ended
    if not story.network.at_rest():
        story.hang_up()  # the side that was picked had nothing to hang up: the other one ends it
        story.network.run(200)
    assert story.network.at_rest()
    for node in (story.caller, story.callee):
        over: dict[str, int] = {}
        for name, session, *_ in node.handler.events:
            if name in OVER:
                over[session.key] = over.get(session.key, 0) + 1
        assert all(count == 1 for count in over.values())
        assert not (set(over) & story.left)


@pytest.mark.parametrize(("loss", "least", "within"), [(0.05, 400, 1.1), (0.1, 399, 2.1), (0.2, 396, 4.1)])
def test_set_up_succeeds_under_loss(loss: float, least: int, within: float) -> None:
    """Of 400 calls over a path that loses so much of the datagrams, so many are set up, and 95 % in time."""
    network = Network(7, loss=loss, delay=(0.02, 0.04))
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    took: list[float] = []
    for _ in range(400):
        session = caller.call(callee)
        began = network.now
        while not session.confirmed and network.now - began < 40:
            network.run(0.05)
        if session.confirmed:
            took.append(network.now - began)
            session.bye()
    took.sort()
    assert len(took) >= least
    assert took[int(0.95 * len(took))] <= within
    network.run(100)
    assert network.at_rest()


@pytest.mark.parametrize(("loss", "least"), [(0.05, 400), (0.1, 400), (0.2, 396)])
def test_hold_and_the_end_get_through_under_loss(loss: float, least: int) -> None:
    """Each side in turn offers anew 400 times, and hangs up 400 calls: both know of it, once."""
    network = Network(11, loss=loss, duplicate=0.05, delay=(0.02, 0.04))
    nodes = network.node("192.0.2.1"), network.node("192.0.2.2")
    for node in nodes:
        node.handler.on["reinvite"] = lambda session, sdp: session.accept_reinvite(ANSWER)
    ended = accepted = 0
    for turn in range(400):
        network.loss, lossy = 0.0, network.loss
        pair = establish(network, *nodes)
        network.loss = lossy
        mine, other, node = pair[turn % 2], pair[1 - turn % 2], nodes[1 - turn % 2]
        mine.reinvite(OFFER)
        network.run(32)
        accepted += nodes[turn % 2].handler.last("reinvite_result")[1:3] == (mine, 200)
        assert not mine.ended
        node.handler.events.clear()
        mine.bye()
        network.run(40)
        ended += other.ended and node.handler.names().count("bye") == 1
        if not other.ended:
            other.bye()
            network.run(40)
    assert accepted >= least
    assert ended >= least
    network.run(100)
    assert network.at_rest()


def test_a_long_call_is_not_lost_to_its_timer_under_loss() -> None:
    """Over ten hours in which a fifth of all datagrams are lost, each refresh of the session gets through."""
    network = Network(13, loss=0.2, delay=(0.02, 0.04))
    caller, callee = network.node("192.0.2.1"), network.node("192.0.2.2")
    callee.handler.on["invite"] = lambda session: session.accept(ANSWER)
    session = caller.call(callee)
    network.run(36_000)
    assert session.confirmed
    assert not session.ended
    refreshes = [
        line for node in (caller, callee) for line in network.sent(node) if line.startswith("UPDATE")
    ]
    assert len(refreshes) >= 20
    hang_up(network, session)


@pytest.mark.parametrize("seed", range(40))
def test_a_kill_at_a_random_moment_never_leaves_a_call_behind(seed: int) -> None:
    story = Story(seed, 0.05)
    story.caller.call(story.callee)
    for _ in range(6):
        story.network.run(story.random.uniform(0.0, 1.5))
        story.step()
        if story.random.random() < 0.4:
            story.random.choice([story.caller, story.callee]).kill_and_restore()
    story.network.run(40)
    for node in (story.caller, story.callee):
        for session in story.sessions(node):
            session.bye()
    story.network.run(200)
    assert story.network.at_rest()
