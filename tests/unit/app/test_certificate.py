from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

import pytest

from tongdai.app.certificate import Certificate, load, paths
from tongdai.app.self_signed import make
from tongdai.core.errors import TongdaiError

NOW = 1_800_000_000.0


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    make(certificate, key, ["pbx.example.net", "203.0.113.5", "2001:db8::1"], NOW)
    return certificate, key


def test_one_is_made_for_every_name_that_phones_may_use(files: tuple[Path, Path]):
    from cryptography import x509

    made = x509.load_pem_x509_certificate(files[0].read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["pbx.example.net", "203.0.113.5"]
    assert [str(x) for x in names.get_values_for_type(x509.IPAddress)] == ["203.0.113.5", "2001:db8::1"]
    assert made.not_valid_before_utc.timestamp() < NOW < made.not_valid_after_utc.timestamp() - 3e8
    assert stat.S_IMODE(files[1].stat().st_mode) == 0o600
    assert load(*files).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_goes_with_its_key(tmp_path: Path):
    assert paths(tmp_path, "", "") == (tmp_path / "tls.crt", tmp_path / "tls.key")
    assert paths(tmp_path, "/etc/c.pem", "/etc/k.pem") == (Path("/etc/c.pem"), Path("/etc/k.pem"))
    with pytest.raises(TongdaiError, match="--tls-key"):
        paths(tmp_path, "c.pem", "")
    with pytest.raises(TongdaiError, match="--tls-certificate"):
        paths(tmp_path, "", "k.pem")


def test_what_cannot_be_used_is_said(files: tuple[Path, Path], tmp_path: Path):
    certificate, key = files
    with pytest.raises(TongdaiError, match=r"none\.pem cannot be read: No such file"):
        load(tmp_path / "none.pem", key)
    other = tmp_path / "other.key"
    make(tmp_path / "other.crt", other, ["x"], NOW)
    with pytest.raises(TongdaiError, match="no certificate and its key in PEM"):
        load(certificate, other)
    text = tmp_path / "text.pem"
    text.write_text("not a certificate")
    with pytest.raises(TongdaiError, match="no certificate and its key in PEM"):
        load(text, key)


def test_a_key_with_a_password_asks_nobody(files: tuple[Path, Path], tmp_path: Path):
    from cryptography.hazmat.primitives import serialization

    private = serialization.load_pem_private_key(files[1].read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(TongdaiError, match="the key has no password"):
        load(files[0], locked)


def test_a_renewed_one_is_taken_up_and_a_bad_one_is_not(files: tuple[Path, Path]):
    certificate = Certificate(*files)
    assert not certificate.refresh()
    make(*files, ["new.example.net"], NOW)
    assert certificate.refresh()
    assert not certificate.refresh()
    files[0].write_text("half of it")
    os.utime(files[0], (NOW, NOW))
    with pytest.raises(TongdaiError):
        certificate.refresh()
    assert not certificate.refresh(), "said once"
    make(*files, ["newer.example.net"], NOW)
    assert certificate.refresh()
