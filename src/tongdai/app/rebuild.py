"""Another engine in place of one that died: everything that sounded there sounds here."""

from __future__ import annotations

from collections.abc import Container

from tongdai.calls import commands as c
from tongdai.calls.model import Silence
from tongdai.legs import Legs
from tongdai.media.client import EngineClient
from tongdai.media.sessions import Sessions
from tongdai.switch import Switch


def rebuild(
    legs: Legs, media: Sessions, switch: Switch, lost: Container[str], client: EngineClient | None = None
) -> None:
    """Open the sessions of these legs again, and let them hear what they heard. What is played and recorded
    goes on with them; what a process before this one had begun to play, from its beginning. `client` is that
    of the engine that had them, where there is one."""
    legs.rebuild(lost)
    for call in switch.calls():
        for leg in call.legs.values():
            if leg.hears != Silence() and leg.id in lost:
                media.hear(call.tenant, c.Hear(leg.id, leg.hears))
        if call.listener in lost and call.playing and not media.plays(call.playing):
            media.play(call.tenant, c.Play(call.listener, call.playing, tuple(call.saying)))
    media.rebuilt(client)
