"""The languages that are spoken to callers and written for who reads."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "vi"]
