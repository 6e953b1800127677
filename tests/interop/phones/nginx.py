"""A real proxy before the API, the pages and SIP over WebSocket: nginx, as docs/operations.md shows it."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.interop.phones.daemon import Daemon, installed
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


class Nginx(Daemon):
    """At `host`, from where it also asks the server; `http` and `sip` are where that listens. It speaks TLS
    with this certificate, and to the server none, as that has none on loopback. SIP over WebSocket has the
    same port here as there: the pages know no other."""

    def __init__(
        self, directory: Path, host: str, *, http: Address, sip: Address, certificate: Path, key: Path
    ) -> None:
        self.http: Address = (host, free_port())
        self.sip: Address = (host, sip[1])
        self.http_url = f"https://{host}:{self.http[1]}"
        self.sip_url = f"wss://{host}:{self.sip[1]}"
        log = directory / "nginx.log"
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
            f"daemon off; master_process off; pid {directory}/nginx.pid; error_log {log} notice;\n"
            f"events {{}}\nhttp {{\naccess_log {directory}/access.log;\nproxy_bind {host};\n"
            + "".join(f"{place}_temp_path {directory}/{place};\n" for place in places)
            + proxy
            + "}\n"
        )
        command = [installed("nginx"), "-e", str(log), "-p", str(directory), "-c", str(configuration)]
        super().__init__(command, log, self.sip)
