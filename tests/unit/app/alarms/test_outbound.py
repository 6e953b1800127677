from __future__ import annotations

import pytest

from tongdai.app.alarms.outbound import may_be_called, read_networks, read_url


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_a_webhook_does_not_lead_to_what_only_we_can_reach(address: str):
    assert not may_be_called(address, [])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_it_leads_to_the_public_internet(address: str):
    assert may_be_called(address, [])


def test_networks_that_were_named_are_permitted_and_no_others():
    networks = read_networks("10.1.2.0/24, ::1")
    assert may_be_called("10.1.2.9", networks)
    assert may_be_called("::ffff:10.1.2.9", networks)
    assert may_be_called("::1", networks)
    assert not may_be_called("10.1.3.9", networks)


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "https://", "https://user:pw@example.com/", "http://example.com:port/", "x"]
)
def test_what_cannot_be_told_is_refused_at_once(url: str):
    with pytest.raises(ValueError, match=r"URL|host|[Pp]ort"):
        read_url(url)
