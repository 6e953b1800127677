"""Legs in the journal: what a call needs when this process is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from tongdai.core.log import get_logger
from tongdai.journal.port import Journal
from tongdai.legs.leg import LegRecord, SipLeg
from tongdai.legs.ports import Edge, LegMedia
from tongdai.sip.ua import UserAgent

log = get_logger(__name__)

_LEG = "leg/"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LegRecord).decode


class KeptLegs:
    """The journal's entries of legs with SIP: written when marked, read by the process after this one."""

    def __init__(
        self,
        journal: Journal,
        *,
        edge: Edge,
        media: LegMedia,
        ua: Callable[[], UserAgent],
        matched: Callable[[str], SipLeg | None],
    ) -> None:
        """`matched` finds the leg of this id, None when it is gone."""
        self._journal = journal
        self._edge = edge
        self._media = media
        self._ua = ua
        self._matched = matched
        self._kept: set[str] = set()
        self._dirty: dict[str, None] = {}

    def mark(self, leg: SipLeg) -> None:
        """It changed, or ended: its entry is written with the next `write`."""
        self._dirty[leg.id] = None

    def write(self) -> None:
        """Write what changed since the last time; the caller commits."""
        for leg_id in self._dirty:
            leg = self._matched(leg_id)
            record = leg.snapshot() if leg is not None else None
            if record is not None:
                self._journal.put(_LEG + leg_id, _encode(record))
                self._kept.add(leg_id)
            elif leg_id in self._kept:
                self._journal.delete(_LEG + leg_id)
                self._kept.discard(leg_id)
        self._dirty.clear()

    def restore(self, entries: Mapping[str, bytes]) -> Iterator[SipLeg]:
        """Take over the legs of a process that is gone; one that cannot be gone on with is dropped."""
        for key, value in entries.items():
            if not key.startswith(_LEG):
                continue
            self._kept.add(key.removeprefix(_LEG))
            try:
                yield self._restored(_decode(value))
            except ValueError as error:
                log.error("a journaled leg cannot be read; dropped", key=key, error=str(error))
                self._dirty[key.removeprefix(_LEG)] = None

    def _restored(self, record: LegRecord) -> SipLeg:
        """Raises ValueError for what cannot be gone on with."""
        leg = SipLeg(record, self._media)
        dialog = record.dialog
        if dialog is None:
            raise ValueError("a leg without a dialog")
        # who called us has no claim to our password
        trunk = self._edge.trunk(record.trunk) if dialog.role == "uac" else None
        credentials = trunk.credentials if trunk is not None else None
        if dialog.flow.connection:
            # connections ended with the process before; any other one to the same peer will do
            dialog.flow = msgspec.structs.replace(dialog.flow, connection=0)
        leg.restored(self._ua().restore(dialog, credentials=credentials, tag=leg))
        return leg
