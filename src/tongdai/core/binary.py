"""Where the engine's program is, which also decodes what people upload."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from tongdai.core.errors import TongdaiError

NAME = "tongdai-media"


def engine_binary() -> Path:
    """The engine that was installed with this very package: in the scripts directory of the running Python,
    never on PATH, where an engine of another version may lie. Raises `TongdaiError` when it is not
    there."""
    path = Path(sysconfig.get_path("scripts")) / NAME
    if path.is_file() and os.access(path, os.X_OK):
        return path
    raise TongdaiError(
        "no_media_engine",
        f"The media engine is missing: {path} does not exist or cannot be executed.",
        "Build it with `make setup` in the checkout, or install the tongdai package again.",
    )
