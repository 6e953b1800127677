"""Wrong PINs: after some, a mailbox or room refuses further tries for a while, whoever calls."""

from __future__ import annotations

from tongdai.calls.model import Lockout, TenantState

MAX_FAILURES = 5
LOCKED_SECONDS = 300.0
MOST_REMEMBERED = 1000
"""A guesser who changes his number must not fill the memory: beyond this, finished lockouts are forgotten."""


def locked(state: TenantState, what: str, now: float) -> bool:
    lockout = state.lockouts.get(what)
    return lockout is not None and now < lockout.until


def wrong(state: TenantState, what: str, now: float) -> None:
    if len(state.lockouts) >= MOST_REMEMBERED:
        state.lockouts = {name: old for name, old in state.lockouts.items() if now < old.until}
    lockout = state.lockouts.setdefault(what, Lockout())
    lockout.failures += 1
    if lockout.failures >= MAX_FAILURES:
        lockout.failures, lockout.until = 0, now + LOCKED_SECONDS


def right(state: TenantState, what: str) -> None:
    state.lockouts.pop(what, None)
