"""What may be asked for."""

from __future__ import annotations

import re

import msgspec

from tongdai.tenants.errors import Invalid

_KEY = re.compile(r"[a-z]+(?:[._][a-z]+)*")


class NewPhrase(msgspec.Struct, frozen=True):
    """Which phrases there are is known above, where they are spoken; here a key only has the form of one."""

    key: str
    blob: str

    def check(self) -> None:
        if not _KEY.fullmatch(self.key) or len(self.key) > 100:
            raise Invalid("bad_phrase", f"{self.key!r} names no phrase.", "Give a key such as queue.welcome.")
        if not self.blob:
            raise Invalid("no_sound", "There is no sound to play.", "Upload a file first.")
