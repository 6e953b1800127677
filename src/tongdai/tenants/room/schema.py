"""What may be asked for."""

from __future__ import annotations

import msgspec

from tongdai.tenants.checks import check_name, check_pin


class NewRoom(msgspec.Struct, frozen=True):
    name: str
    extension: str
    pin: str = ""

    def check(self) -> None:
        check_name(self.name)
        if self.pin:
            check_pin(self.pin)
