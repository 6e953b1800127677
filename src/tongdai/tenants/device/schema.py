"""What may be asked for."""

from __future__ import annotations

import msgspec

from tongdai.tenants.checks import check_password, check_username


class NewDevice(msgspec.Struct, frozen=True):
    person: str
    username: str
    password: str
    login: str = ""

    def check(self) -> None:
        check_username(self.username)
        check_password(self.password)
