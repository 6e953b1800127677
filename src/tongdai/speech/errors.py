from __future__ import annotations

from tongdai.core.errors import TongdaiError


class SpeechError(TongdaiError):
    """Sound could not be made or understood."""
