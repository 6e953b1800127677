"""In which language whoever reads is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from tongdai.core.language import LANGUAGES, Language


def _language(
    request: Request,
    response: Response,
    language: Annotated[
        Language | None, Query(description="In which language it is told; else by Accept-Language.")
    ] = None,
) -> Language:
    chosen = language or preferred(request.headers.get("accept-language", ""))
    response.headers["Content-Language"] = chosen
    response.headers["Vary"] = "Accept-Language"
    return chosen


def preferred(accepted: str) -> Language:
    """The one of ours that a browser likes best (RFC 9110 §12.5.4); English unless it says another."""
    liked: dict[Language, float] = {}
    for part in accepted.split(","):
        named, _, weight = part.replace(" ", "").lower().partition(";q=")
        for known in LANGUAGES:
            if named.split("-")[0] == known:
                liked[known] = max(liked.get(known, 0.0), _weight(weight))
    best = max(LANGUAGES, key=lambda known: liked.get(known, 0.0))
    return best if liked.get(best, 0.0) > 0 else "en"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


Reader = Annotated[Language, Depends(_language)]
"""The language of whoever asks."""
