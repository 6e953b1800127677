"""What a refusal means, and what a caller is told of it."""

from __future__ import annotations

import pytest

from tongdai.calls.model import Cause
from tongdai.legs.causes import cause_of, status_of

TOLD = {
    400: 500,
    401: 403,  # a password of ours was refused: no affair of the caller's phone, which would be asked for one
    402: 503,
    403: 403,
    404: 404,
    405: 500,
    406: 488,
    407: 403,
    408: 480,
    410: 404,
    413: 500,
    414: 500,
    415: 488,
    416: 500,
    420: 500,
    421: 500,
    423: 500,
    430: 480,
    433: 403,
    480: 480,
    481: 500,
    482: 500,
    483: 500,
    484: 404,
    485: 404,
    486: 486,
    487: 487,
    488: 488,
    491: 480,
    493: 500,
    500: 500,
    501: 500,
    502: 503,
    503: 503,
    504: 480,
    505: 500,
    513: 500,
    580: 500,
    600: 486,
    603: 603,
    604: 404,
    606: 488,
    607: 603,
    608: 603,
    499: 500,
    599: 500,
    699: 603,
}
"""The final status of the party that was called, and that of the caller."""


@pytest.mark.parametrize("status", TOLD)
def test_what_the_caller_is_told(status: int):
    """RFC 3261 §21. A code that nobody knows is one of its class (§8.1.3.2)."""
    assert status_of(cause_of(status)) == TOLD[status]


def test_a_phone_with_an_invite_pending_is_not_our_failure():
    """A phone said 491 to a first INVITE, and the caller was told 500, as if the switchboard had failed."""
    assert cause_of(491) is Cause.UNAVAILABLE


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_can_be_told(cause: Cause):
    assert 400 <= status_of(cause) < 700
