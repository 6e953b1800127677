"""The calls of a control process that is gone."""

from __future__ import annotations

from collections.abc import Container, Mapping

from tongdai.app.front import Front
from tongdai.app.rebuild import rebuild
from tongdai.calls import commands as c
from tongdai.calls import events as e
from tongdai.calls.model import Call, Cause
from tongdai.core.log import get_logger
from tongdai.media.sessions import Sessions
from tongdai.switch import Switch

log = get_logger(__name__)


async def take_over(
    entries: Mapping[str, bytes], switch: Switch, front: Front, media: Sessions, *, same_boot: bool = True
) -> None:
    """Calls whose legs are all there go on, with sessions of this engine if theirs are gone too; what is left
    of the others ends, with its CDR."""
    wanted = switch.restore(entries, same_boot=same_boot)
    legs = front.restore(entries)
    sounding = await media.adopt(legs, entries)
    for tenant, expected in wanted.items():
        for leg in expected:
            if leg not in legs:
                switch.post(tenant, e.LegEnded(leg, Cause.FAILED))
    known = {leg for expected in wanted.values() for leg in expected}
    for leg in legs.keys() - known:
        front.hangup(leg, Cause.FAILED)
    for call in switch.calls():
        _tell(call, media, switch, sounding)
    media.adopted()
    silent = legs.keys() - sounding
    if same_boot and silent:
        media.silence(silent)
        rebuild(front, media, switch, silent)
    elif silent:  # the machine was started anew: who talked then talks no more
        for leg in silent:
            front.lost(leg)
    if legs:
        log.info("took over calls", legs=len(legs), sounding=len(sounding))


def _tell(call: Call, media: Sessions, switch: Switch, sounding: Container[str]) -> None:
    """Tell the engine what the process before us had decided, and died before it could tell."""
    if call.recording and not media.records(call.recording):
        done = e.RecordDone(call.subject, call.recording, "", 0, 0, "failed")
        switch.post(call.tenant, done)
    for leg in call.legs.values():
        if leg.id in sounding:
            media.heard(call.tenant, leg.id, leg.hears)
    if call.listener not in sounding:
        return
    if call.playing and not media.was_told(call.listener, call.playing):
        media.play(call.tenant, c.Play(call.listener, call.playing, tuple(call.saying)))
