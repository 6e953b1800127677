"""What may be asked for."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from tongdai.tenants.checks import check_email, check_name, check_password
from tongdai.tenants.errors import Invalid


class NewPerson(msgspec.Struct, frozen=True, kw_only=True):
    """An administrator may do without an extension, a phone in the warehouse without e-mail and password."""

    name: str
    extension: str = ""
    email: str | None = None
    password: str = ""
    admin: bool = False

    def check(self) -> None:
        check_name(self.name)
        if self.email is not None:
            check_email(self.email)
        if self.password:
            check_password(self.password)
            if self.email is None:
                raise Invalid("email_needed", "Nobody can log in without an e-mail address.", "Give one.")


class PersonChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left unset stays as it is; an empty extension is taken away."""

    name: str | UnsetType = UNSET
    extension: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    admin: bool | UnsetType = UNSET

    def check(self) -> None:
        if self.name is not UNSET:
            check_name(self.name)
        if self.email is not UNSET and self.email is not None:
            check_email(self.email)
