"""The languages that can be spoken."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "vi"]
