"""A real proxy before the server: Kamailio, which phones are told to be their server."""

from __future__ import annotations

from pathlib import Path

from tests.interop.phones.daemon import Daemon, installed
from tests.interop.phones.link import Address
from tests.interop.ports import free_port

_MODULES = ("kex", "tm", "tmx", "sl", "rr", "pv", "path", "siputils", "textops")

_ROUTING = """
request_route {
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (has_totag()) {
        if (loose_route()) { t_relay(); exit; }
        if (is_method("ACK") && t_check_trans()) t_relay();
        exit;
    }
    t_check_trans();
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    if ($si == "%(host)s" && $sp == %(port)s) {
        loose_route();
        set_forward_no_connect();
        if (!t_relay_to("0x02")) sl_send_reply("430", "Flow Failed");
        exit;
    }
    if (is_method("REGISTER")) add_path_received("edge", "ob");
    $du = "sip:%(host)s:%(port)s";
    t_relay();
}
"""


class Kamailio(Daemon):
    """On UDP and TCP; what comes from phones goes to the server over UDP, and nothing goes without Path and
    Record-Route. It keeps the flows of phones (RFC 5626 §5): over one that is gone, nothing is reached."""

    def __init__(self, directory: Path, server: Address) -> None:
        self.address: Address = ("127.0.0.1", free_port())
        listen = f"127.0.0.1:{self.address[1]}"
        lines = [
            "#!KAMAILIO",
            *("debug=2", "log_stderror=yes", "children=1", "tcp_children=1", "auto_aliases=no"),
            *(f"listen=udp:{listen}", f"listen=tcp:{listen}"),
            *(f'loadmodule "{module}.so"' for module in _MODULES),
            'modparam("path", "use_received", 1)',
            'modparam("path", "enable_r2", 1)',
            _ROUTING % {"host": server[0], "port": server[1]},
        ]
        configuration = directory / "kamailio.cfg"
        configuration.write_text("\n".join(lines))
        command = [installed("kamailio"), "-DD", "-E", "-m", "16", "-M", "4", "-f", str(configuration)]
        command += ["-Y", str(directory), "-w", str(directory)]
        super().__init__(command, directory / "kamailio.log", self.address)
