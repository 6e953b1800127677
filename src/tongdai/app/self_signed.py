"""A certificate of our own making, for who has none yet."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAYS = 3650
"""Nobody renews a certificate that he never asked for."""


def make(certificate: Path, key: Path, names: Sequence[str], now: float) -> None:
    """Make a certificate for these host names and IP addresses, signed by itself, and its key (mode 0600).
    `now` is seconds since 1970."""
    private = ec.generate_private_key(ec.SECP256R1())
    today = datetime.fromtimestamp(now, UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, secret, 0o600)
    _write(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)


def _alternatives(names: Sequence[str]) -> Iterator[x509.GeneralName]:
    for name in names:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            yield x509.DNSName(name)
        else:
            yield x509.IPAddress(address)
            if address.version == 4:  # Mbed TLS before 3.5, which is in many phones, looks for a name only
                yield x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    temporary.replace(path)
