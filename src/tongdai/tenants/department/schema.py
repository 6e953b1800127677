"""What may be asked for."""

from __future__ import annotations

import msgspec

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
