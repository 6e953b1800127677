"""Which phone it is that registers again."""

from __future__ import annotations

from tongdai.sip.message import SipUri


def is_same_phone(instance: str, contact: str, registered_as: str, registered: str) -> bool:
    """Whether a phone that is known by `instance` (its name across addresses, RFC 5626 §4.1) and `contact` is
    the one that registered with these: by its name, or, where one has none, by its Contact, which a browser's
    page keeps over its connections (RFC 7118 §5)."""
    if instance and registered_as:
        return instance == registered_as
    return SipUri.parse(contact).equivalent(SipUri.parse(registered))
