"""The root of all errors that tongdai raises on purpose."""

from __future__ import annotations


class TongdaiError(Exception):
    """Something went wrong that a person can be told about.

    `code` is stable and machine-readable (lower case, words joined by `_`), `message` says what happened, and
    `remedy` what to do about it (empty when there is nothing to do). A layer subclasses it; nobody parses the
    message.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message
