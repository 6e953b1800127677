"""One control process in the place of another that still lives: what it leaves beside what a crash would."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import msgspec

from tongdai.app.front import Front
from tongdai.app.pulse import Pulse
from tongdai.app.wires import Wires
from tongdai.core.log import get_logger
from tongdai.journal import LocalJournal
from tongdai.sip.digest import DigestServer, DigestState

log = get_logger(__name__)

_NONCES = "digest/handed-over"


def leave(pulse: Pulse, front: Front, digest: DigestServer, wires: Wires, journal: LocalJournal) -> None:
    """Write everything, and hear nothing more. All in one step of the loop: nothing may be heard or said of
    which the next process does not know."""
    settled = front.settled
    pulse.stop()
    journal.put(_NONCES, msgspec.msgpack.encode(digest.state))
    wires.stop()
    journal.close()
    log.info("handed over", legs=len(front.all()), settled=settled)


def take_nonces(entries: Mapping[str, bytes], digest: DigestServer, journal: LocalJournal) -> None:
    """Know the challenges of the process before, so that who was just challenged need not be again."""
    if nonces := entries.get(_NONCES):
        journal.delete(_NONCES)
        with contextlib.suppress(msgspec.DecodeError):  # that of another version: who knows it is asked again
            digest.go_on(msgspec.msgpack.decode(nonces, type=DigestState))
