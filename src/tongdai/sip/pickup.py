"""The name of a ringing phone's dialog, as a busy lamp shows it and a pickup key gives it back (RFC 4235
§4.1, RFC 3891).

It is not the dialog's own: that would still be known when the call was answered, and then let everybody who
had watched step into the conversation.
"""

from __future__ import annotations

from tongdai.sip.message import Replaces

_PREFIX = "ringing-"
_OURS, _THEIRS = "tongdai", "phone"


def ringing_dialog(leg: str) -> Replaces:
    """How to ask for the call that rings at this leg."""
    return Replaces(_PREFIX + leg, to_tag=_OURS, from_tag=_THEIRS, early_only=True)


def ringing_leg(replaces: Replaces) -> str:
    """The leg that is asked for, empty when it is an ordinary dialog's name."""
    ours = replaces.call_id.startswith(_PREFIX) and {replaces.to_tag, replaces.from_tag} == {_OURS, _THEIRS}
    return replaces.call_id.removeprefix(_PREFIX) if ours else ""
