"""What `tongdai room` does: show a room, or change it. A tongdai that runs follows within a second."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tongdai.app.stored import Stored, tenant_at, with_stored
from tongdai.core.errors import TongdaiError
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.schema import RoomChanges


def change_room(data: Path | None, domain: str, extension: str, changes: RoomChanges) -> str:
    """Change settings of the room behind an extension; shows them as they are now. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        async with stored.db.read() as connection:
            tenant = await tenant_at(connection, domain)
            held = await extensions.get(tenant.id, connection, extension)
            if held is None or held.kind != Destination.ROOM:
                raise TongdaiError("no_room", f"No room of {domain} has the extension {extension}.")
            room = await rooms.get(tenant.id, connection, held.target)
        if changes != RoomChanges():
            async with stored.change("room.change") as change:
                former = room
                room = await rooms.change(tenant.id, change.connection, former.id, changes)
                change.tenant = tenant.id
                change.tell(
                    room.id, before=msgspec.structs.asdict(former), after=msgspec.structs.asdict(room)
                )
        lines = {
            "name": room.name,
            "extension": extension,
            "PIN": room.pin or "none: only people of the company get in",
            "tones": "when somebody comes or goes" if room.tones else "none",
        }
        return "".join(f"{name:12} {value}\n" for name, value in lines.items())

    return with_stored(data, work)
