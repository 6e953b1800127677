"""Why an operation on the configuration is refused. The type is the verdict, the code names the case."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.core.errors import TongdaiError


class NotFound(TongdaiError):
    """It does not exist in this tenant; whether it exists in another one is not told."""

    def __init__(self, what: str, identity: str) -> None:
        super().__init__(
            f"{what}_not_found",
            f"There is no {what} {identity}.",
            "Look at the list, it may have been deleted.",
        )


class Invalid(TongdaiError):
    """What was given cannot be right. `field` says where in it, if the code alone does not: `keys/2/to`.
    `places` is by what it is held, for who says it in other words: numbers, menus with their keys."""

    def __init__(
        self, code: str, message: str, remedy: str = "", *, field: str = "", places: Sequence[str] = ()
    ) -> None:
        super().__init__(code, message, remedy)
        self.field = field
        self.places = tuple(places)


class Taken(TongdaiError):
    """It is in use already."""
