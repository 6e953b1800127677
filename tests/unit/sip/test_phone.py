from __future__ import annotations

import pytest

from tongdai.sip.phone import is_same_phone

HERE, THERE = "sip:lan@10.0.0.1:5060", "sip:lan@10.0.0.2:5060"


@pytest.mark.parametrize(
    ("instance", "contact", "registered_as", "registered", "same"),
    [
        ("urn:a", HERE, "urn:a", THERE, True),
        ("urn:a", HERE, "urn:b", HERE, False),
        ("", HERE, "urn:a", "sip:lan@10.0.0.1", False),
        ("", HERE, "urn:a", HERE, True),
        ("urn:a", HERE, "", THERE, False),
        ("", HERE, "", "SIP:lan@10.0.0.1:5060", True),
    ],
)
def test_a_phone_is_known_by_its_name_or_else_by_its_contact(
    instance: str, contact: str, registered_as: str, registered: str, same: bool
):
    assert is_same_phone(instance, contact, registered_as, registered) is same
