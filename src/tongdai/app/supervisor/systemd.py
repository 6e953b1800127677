"""What systemd is told: `Type=notify` of the unit, sd_notify(3)."""

from __future__ import annotations

import os
import socket
from typing import Final

from tongdai.core.log import get_logger

log = get_logger(__name__)

NAME: Final = "NOTIFY_SOCKET"


class Notify:
    """Where it wants to be told, if anywhere. Whoever is started from now on is not asked for it."""

    def __init__(self) -> None:
        self._address = os.environ.pop(NAME, "")

    def ready(self) -> None:
        """Calls are taken; only the first time counts."""
        address, self._address = self._address, ""
        if not address:
            return
        if address.startswith("@"):
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
                telling.sendto(b"READY=1", address)
        except OSError as error:
            log.error("systemd cannot be told that calls are taken", why=str(error))
