"""What may be asked for."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from tongdai.tenants.checks import check_name, check_pin


class NewRoom(msgspec.Struct, frozen=True):
    name: str
    extension: str
    pin: str = ""
    tones: bool = True

    def check(self) -> None:
        check_name(self.name)
        if self.pin:
            check_pin(self.pin)


class RoomChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left unset stays as it is; an empty PIN is taken away."""

    name: str | UnsetType = UNSET
    extension: str | UnsetType = UNSET
    pin: str | UnsetType = UNSET
    tones: bool | UnsetType = UNSET

    def check(self) -> None:
        if self.name is not UNSET:
            check_name(self.name)
