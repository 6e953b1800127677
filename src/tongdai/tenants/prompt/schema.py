"""What may be asked for."""

from __future__ import annotations

import msgspec

from tongdai.tenants.checks import check_name
from tongdai.tenants.errors import Invalid


class NewPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """Sound that is in the blobs already."""

    name: str
    blob: str
    ms: int
    created: float
    text: str = ""
    language: str = ""

    def check(self) -> None:
        check_name(self.name)
        if not self.blob:
            raise Invalid("no_sound", "There is no sound to play.", "Upload a file first.")
