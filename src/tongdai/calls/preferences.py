"""How somebody's calls are treated, as he set it at a phone or on a screen."""

from __future__ import annotations

import msgspec


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """`dnd`: he does not want to be disturbed; who calls then is taken by the voicemail, or with `dnd_busy`
    hears that he is busy. Without `call_waiting` he is busy while he is in a call.
    """

    dnd: bool = False
    dnd_busy: bool = False
    call_waiting: bool = True
