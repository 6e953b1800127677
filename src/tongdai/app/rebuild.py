"""Another engine in place of one that died: everything that sounded there sounds here."""

from __future__ import annotations

from collections.abc import Container

from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Silence
from tongdai.legs import Legs
from tongdai.media.client import EngineClient
from tongdai.media.sessions import Sessions
from tongdai.switch import Switch


def rebuild(
    legs: Legs, media: Sessions, switch: Switch, lost: Container[str], client: EngineClient | None = None
) -> None:
    """Open the sessions of these legs again, and let them hear what they heard. What is played and recorded
    goes on with them. What a process before this one had begun is played from its beginning; a recording of
    it is over. `client` is that of the engine that had them, where there is one."""
    legs.rebuild(lost)
    for call in switch.calls():
        for leg in call.legs.values():
            if leg.hears != Silence() and leg.id in lost:
                media.hear(call.tenant, c.Hear(leg.id, leg.hears))
        if call.listener in lost and call.playing and not media.plays(call.playing):
            media.play(call.tenant, c.Play(call.listener, call.playing, tuple(call.saying)))
        if call.subject in lost and call.recording and not media.records(call.recording):
            done = e.RecordDone(call.subject, call.recording, "", 0, 0, "failed")
            switch.post(call.tenant, done)
    media.rebuilt(client)
