"""A real proxy before the API, the pages and SIP over WebSocket: nginx, as docs/operations.md shows it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import textwrap
import time
from pathlib import Path

from tests.interop.phones.link import Address
from tests.interop.ports import free_port

_GUIDE = Path(__file__).parents[3] / "docs" / "operations.md"


def shown() -> str:
    """The configuration that the guide shows."""
    _, _, rest = _GUIDE.read_text("utf-8").partition("    # /etc/nginx/conf.d/tongdai.conf\n")
    assert rest, f"{_GUIDE} shows nginx no more"
    lines = rest.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if line.strip() and not line.startswith("    "))
    return textwrap.dedent("".join(lines[:end]))


class Nginx:
    """At `host`, from where it also asks the server; `http` and `sip` are where it listens. It speaks TLS
    with this certificate, and to the server none, as that has none on loopback."""

    def __init__(
        self, directory: Path, host: str, *, http: Address, sip: Address, certificate: Path, key: Path
    ) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        assert program is not None, "nginx is missing: run `make test-packages`"
        self.http: Address = (host, free_port())
        self.sip: Address = (host, free_port())
        self.http_url = f"https://{host}:{self.http[1]}"
        self.sip_url = f"wss://{host}:{self.sip[1]}"
        self._log = directory / "nginx.log"
        proxy = shown()
        for old, new in (
            ("https://10.1.2.4:8080", f"http://{http[0]}:{http[1]}"),
            ("https://10.1.2.4:8088", f"http://{sip[0]}:{sip[1]}"),
            ("listen 443 ssl", f"listen {host}:{self.http[1]} ssl"),
            ("listen 8088 ssl", f"listen {host}:{self.sip[1]} ssl"),
            ("/etc/ssl/pbx.example.net.pem", str(certificate)),
            ("/etc/ssl/pbx.example.net.key", str(key)),
        ):
            assert proxy.count(old) == 1, old
            proxy = proxy.replace(old, new)
        places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        configuration = directory / "nginx.conf"
        configuration.write_text(
            f"daemon off; master_process off; pid {directory}/nginx.pid; error_log {self._log} notice;\n"
            f"events {{}}\nhttp {{\naccess_log {directory}/access.log;\nproxy_bind {host};\n"
            + "".join(f"{place}_temp_path {directory}/{place};\n" for place in places)
            + proxy
            + "}\n"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-e", str(self._log), "-p", str(directory), "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _wait(self) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            assert self._process.poll() is None, f"nginx ended at once:\n{self.log()[-2000:]}"
            with socket.socket() as probe:
                if probe.connect_ex(self.sip) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"nginx does not listen:\n{self.log()[-2000:]}")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
