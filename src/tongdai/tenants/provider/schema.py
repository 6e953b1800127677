"""What may be asked for."""

from __future__ import annotations

import msgspec

from tongdai.tenants.checks import check_email, check_name, check_password


class NewProvider(msgspec.Struct, frozen=True):
    name: str
    email: str
    password: str

    def check(self) -> None:
        check_name(self.name)
        check_email(self.email)
        check_password(self.password)
