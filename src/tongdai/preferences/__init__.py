"""How people's calls are treated: set at phones and on screens, kept as call data."""

from __future__ import annotations

from tongdai.preferences.preferences import PeoplesPreferences

__all__ = ["PeoplesPreferences"]
