"""Feature codes: what people dial beside extensions and outside numbers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Feature(StrEnum):
    """What a code is for. After `PICKUP` and `INTERCOM` an extension follows, `PARK` is followed by the
    place's digit."""

    MAILBOX = "mailbox"
    ECHO_TEST = "echo_test"
    DIRECTORY = "directory"
    PICKUP = "pickup"
    PARK = "park"
    INTERCOM = "intercom"
    DND_ON = "dnd_on"
    DND_OFF = "dnd_off"
    DND_TOGGLE = "dnd_toggle"
    CALL_WAITING_ON = "call_waiting_on"
    CALL_WAITING_OFF = "call_waiting_off"
    ALWAYS = "forward"
    ALWAYS_OFF = "forward_off"
    BUSY = "forward_busy"
    BUSY_OFF = "forward_busy_off"
    NO_ANSWER = "forward_no_answer"
    NO_ANSWER_OFF = "forward_no_answer_off"
    UNREACHABLE = "forward_unreachable"
    UNREACHABLE_OFF = "forward_unreachable_off"


CODES: Mapping[Feature, str] = {
    Feature.MAILBOX: "*97",
    Feature.ECHO_TEST: "*43",
    Feature.DIRECTORY: "411",
    Feature.PICKUP: "**",
    Feature.PARK: "70",
    Feature.INTERCOM: "*80",
    Feature.DND_ON: "*78",
    Feature.DND_OFF: "*79",
    Feature.DND_TOGGLE: "*76",
    Feature.CALL_WAITING_ON: "*70",
    Feature.CALL_WAITING_OFF: "*71",
    Feature.ALWAYS: "*72",
    Feature.ALWAYS_OFF: "*73",
    Feature.BUSY: "*90",
    Feature.BUSY_OFF: "*91",
    Feature.NO_ANSWER: "*52",
    Feature.NO_ANSWER_OFF: "*53",
    Feature.UNREACHABLE: "*62",
    Feature.UNREACHABLE_OFF: "*63",
}
"""As North America dials them (vertical service codes), and FreePBX and its users with it."""

FORWARDS: Mapping[Feature, str] = {
    Feature.ALWAYS: "always",
    Feature.BUSY: "busy",
    Feature.NO_ANSWER: "no_answer",
    Feature.UNREACHABLE: "unreachable",
}
"""In which case calls go to the number that follows; without one it is asked for."""

FOLLOWED = frozenset({Feature.PICKUP, Feature.INTERCOM, Feature.PARK, *FORWARDS})
"""Codes after which something else is dialled."""

PREFERENCES: Mapping[Feature, tuple[str, str]] = {
    Feature.DND_ON: ("dnd", "on"),
    Feature.DND_OFF: ("dnd", "off"),
    Feature.DND_TOGGLE: ("dnd", "toggle"),
    Feature.CALL_WAITING_ON: ("call_waiting", "on"),
    Feature.CALL_WAITING_OFF: ("call_waiting", "off"),
    Feature.ALWAYS_OFF: ("always", "off"),
    Feature.BUSY_OFF: ("busy", "off"),
    Feature.NO_ANSWER_OFF: ("no_answer", "off"),
    Feature.UNREACHABLE_OFF: ("unreachable", "off"),
}
"""Which of one's preferences a code changes, and how."""


class Codes:
    """The codes of one tenant. Answers what was dialled."""

    def __init__(self, codes: Mapping[Feature, str] = CODES) -> None:
        self.of = dict(codes)
        self._alone = {code: feature for feature, code in codes.items() if code and feature not in FOLLOWED}
        self._followed = sorted(
            ((code, feature) for feature, code in codes.items() if code and feature in FOLLOWED),
            key=lambda x: -len(x[0]),
        )

    @classmethod
    def with_own(cls, own: Mapping[str, str]) -> Codes:
        """Ours, with a tenant's own in their place. What another version knew is nothing."""
        known = {Feature(name): code for name, code in own.items() if name in set(Feature)}
        return cls({**CODES, **known})

    def find(self, dialled: str) -> tuple[Feature, str] | None:
        """The feature and what was dialled after its code; None when it is no code."""
        alone = self._alone.get(dialled)
        if alone is not None:
            return alone, ""
        for code, feature in self._followed:
            if dialled.startswith(code):
                return feature, dialled[len(code) :]
        return None

    @property
    def parking(self) -> tuple[str, ...]:
        """Every parking place."""
        park = self.of[Feature.PARK]
        return tuple(f"{park}{digit}" for digit in range(10)) if park else ()
