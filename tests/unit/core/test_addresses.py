"""Addresses that mean something else, or nothing, elsewhere."""

from __future__ import annotations

import pytest

from tongdai.core.addresses import is_nobodys, is_private


@pytest.mark.parametrize(
    ("host", "private"),
    [
        *((host, True) for host in ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1")),
        *((host, True) for host in ("100.64.0.1", "100.127.255.255", "169.254.1.1", "127.0.0.1")),
        *((host, True) for host in ("fc00::1", "fdff::1", "fe80::1", "febf::1", "::1")),
        *((host, False) for host in ("9.255.255.255", "172.32.0.1", "192.169.0.1", "100.128.0.1", "8.8.8.8")),
        *((host, False) for host in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1")),
        *((host, False) for host in ("2001:db8::1", "fec0::1", "::2", "phone.example", "")),
    ],
)
def test_private_is_what_more_than_one_may_have(host: str, private: bool):
    assert is_private(host) is private


@pytest.mark.parametrize(
    ("host", "nobodys"),
    [
        *((host, True) for host in ("0.0.0.0", "0.1.2.3", "224.0.1.75", "239.1.1.1", "255.255.255.255")),
        *((host, True) for host in ("240.0.0.1", "::", "ff02::1", "::ffff:10.0.0.1")),
        *((host, False) for host in ("1.0.0.1", "223.255.255.255", "127.0.0.1", "::1", "2001:db8::1", "x")),
    ],
)
def test_nobodys_is_where_nobody_can_be_alone(host: str, nobodys: bool):
    assert is_nobodys(host) is nobodys
