"""How somebody's calls are treated, as he set it at a phone or on a screen."""

from __future__ import annotations

import msgspec


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """`dnd`: he does not want to be disturbed; who calls then is taken by the voicemail, or with `dnd_busy`
    hears that he is busy. Without `call_waiting` he is busy while he is in a call. `always`, `busy`,
    `no_answer` (after `no_answer_seconds`; 0: as long as the company's phones ring) and `unreachable` (no
    phone is there) are numbers as he dials them, to which his calls go then; empty: to his voicemail. With
    `confirm` who answers at an outside number must press 1: his mobile's own voicemail does not.
    """

    dnd: bool = False
    dnd_busy: bool = False
    call_waiting: bool = True
    always: str = ""
    busy: str = ""
    no_answer: str = ""
    unreachable: str = ""
    no_answer_seconds: float = 0.0
    confirm: bool = False

    def forward(self, when: str) -> str:
        """Where calls go in that case, such as `busy`."""
        return str(getattr(self, when))


FORWARDS = ("always", "busy", "no_answer", "unreachable")
"""The cases in which calls go elsewhere."""
