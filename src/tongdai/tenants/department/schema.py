"""What may be asked for."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from tongdai.tenants.checks import check_name
from tongdai.tenants.department.model import DepartmentKind


class NewDepartment(msgspec.Struct, frozen=True):
    """`members` are person ids, in the order in which they are tried."""

    name: str
    kind: DepartmentKind
    extension: str
    members: tuple[str, ...] = ()

    def check(self) -> None:
        check_name(self.name)


class DepartmentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left unset stays as it is."""

    name: str | UnsetType = UNSET
    kind: DepartmentKind | UnsetType = UNSET
    extension: str | UnsetType = UNSET
    members: tuple[str, ...] | UnsetType = UNSET

    def check(self) -> None:
        if self.name is not UNSET:
            check_name(self.name)
