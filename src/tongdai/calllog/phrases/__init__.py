"""The words for what happened in a call, in each language.

A phrase is a template whose fields may say how they are told: `{seconds:duration}` (2 min 10 s),
`{seconds:after}` (after 4 s, at once), `{names:list}` (101, 102 and 103), `{given:given}` (in brackets, if it
is anything), `{why:reason}`. Both languages have the same keys with the same fields.

A *reason* is one word of ours, and what it is about behind a blank (`silent 3.5`). What is no word of ours
was said by somebody else, and is told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from string import Formatter
from typing import Any

from tongdai.calllog.phrases import en, vi
from tongdai.core.language import Language

CATALOGUES: Mapping[Language, Mapping[str, str]] = {"en": en.PHRASES, "vi": vi.PHRASES}


class Who(StrEnum):
    """One who has no name in the story."""

    CALLER = "caller"
    OTHER = "other"
    UNKNOWN = "unknown"


Value = str | int | float | Sequence[str]


def phrase(key: str, values: Mapping[str, Value], language: Language) -> str:
    """The words. Raises KeyError for a key or a value that does not exist."""
    return _FORMATTERS[language].vformat(CATALOGUES[language][key], (), values)


def duration(seconds: float, language: Language) -> str:
    """`4 s`, `2 min 10 s`, `1 h 3 min`."""
    whole = round(seconds)
    minutes, hours = whole // 60, whole // 3600
    if whole < 60:
        parts = [("seconds", whole)]
    elif whole < 3600:
        parts = [("minutes", minutes), ("seconds", whole % 60)]
    else:
        parts = [("hours", hours), ("minutes", minutes % 60)]
    told = [phrase(key, {"count": count}, language) for key, count in parts if count or key == parts[0][0]]
    return " ".join(told)


def after(seconds: float, language: Language) -> str:
    """`after 4 s`, or `at once`."""
    if seconds < 1:
        return phrase("at_once", {}, language)
    return phrase("after", {"duration": duration(seconds, language)}, language)


def listed(names: Sequence[str], language: Language) -> str:
    """`101`, `101 and 102`, `101, 102 and 103`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {phrase('and', {}, language)} {names[-1]}"


class _Formatter(Formatter):
    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "duration":
                return duration(value, self._language)
            case "after":
                return after(value, self._language)
            case "list":
                return listed([self._name(name) for name in value], self._language)
            case "given":
                return f" ({value})" if value else ""
            case "reason":
                code, _, detail = str(value).partition(" ")
                if f"reason.{code}" not in CATALOGUES[self._language]:
                    return str(value)
                return phrase(f"reason.{code}", {"detail": detail}, self._language)
            case _:
                return self._name(value)

    def _name(self, value: object) -> str:
        return phrase(f"who.{value}", {}, self._language) if isinstance(value, Who) else str(value)


_FORMATTERS: dict[Language, _Formatter] = {"en": _Formatter("en"), "vi": _Formatter("vi")}
