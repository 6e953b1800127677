"""The certificate of SIP over TLS: the operator's, or one of our own making (`self_signed`)."""

from __future__ import annotations

import ssl
from pathlib import Path

from tongdai.core.errors import TongdaiError


def paths(data: Path, certificate: str, key: str) -> tuple[Path, Path]:
    """Where certificate and key are: as named, or else in the data directory. Raises `TongdaiError`."""
    if bool(certificate) != bool(key):
        missing, given = ("tls-key", "certificate") if certificate else ("tls-certificate", "key")
        raise TongdaiError(
            "half_a_certificate", f"A TLS {given} is of no use alone.", f"Name the other with --{missing}."
        )
    if certificate:
        return Path(certificate).absolute(), Path(key).absolute()
    return data / "tls.crt", data / "tls.key"


def load(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context: TLS 1.2 and 1.3. Raises `TongdaiError` saying what is wrong with the files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    fill(context, certificate, key)
    return context


def fill(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have a context present this certificate from the next handshake on. Raises `TongdaiError`."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise TongdaiError(
                "no_certificate",
                f"{path} cannot be read: {error.strerror}.",
                "Name the files with --tls-certificate and --tls-key, and let this user read them.",
            ) from error
    try:
        # an encrypted key would ask on the terminal; there is nobody
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise TongdaiError(
            "bad_certificate",
            f"{certificate} and {key} are no certificate and its key in PEM ({reason}).",
            "The certificate comes first in its file, then those that signed it; the key has no password.",
        ) from error


class Certificate:
    """The context of a running server, which follows its files: whoever renews them need not tell."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `TongdaiError`."""
        self._paths = (certificate, key)
        self._seen = self._stamps()
        self.context = load(certificate, key)

    def refresh(self) -> bool:
        """Look at the files; true when others are there, which hold from the next handshake on. Raises
        `TongdaiError` when they cannot be used; then the old ones hold, and the files are looked at again
        when they change."""
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        load(*self._paths)  # both halves fit, before the running context is touched
        fill(self.context, *self._paths)
        return True

    def _stamps(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
