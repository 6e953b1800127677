"""What a demo shows: demo.json for programs, a short table for people."""

from __future__ import annotations

import os
import socket
from typing import Any

import msgspec

from tongdai.app.demo.carrier_config import CarrierConfig
from tongdai.app.demo.outside_phone import OutsidePhone
from tongdai.app.plan import Plan
from tongdai.app.prepare import Prepared
from tongdai.app.supervisor.sockets import open_near
from tongdai.app.supervisor.survivors import Survivor
from tongdai.sip.flow import hostport

CARRIER_PORT = 5070


class Demo:
    """The demo's side of the supervisor."""

    def __init__(
        self,
        plan: Plan,
        *,
        sip_port: int,
        tls_port: int,
        ws_port: int,
        http_port: int,
        left: Survivor | None = None,
    ) -> None:
        """`left` is a carrier that a former supervisor has left."""
        assert plan.demo is not None
        self._plan = plan
        self._sip_port = sip_port
        self._tls_port = tls_port
        self._ws_url = f"{'wss' if plan.ws_tls else 'ws'}://{hostport((plan.advertised_ip, ws_port))}"
        scheme = "http" if plan.http_plain else "https"
        self._http = f"{scheme}://{hostport((plan.advertised_ip, http_port))}"
        self._path = plan.data / "demo.json"
        self._path.unlink(missing_ok=True)
        self._prepared = Prepared()
        self._shown = False
        self._told: dict[str, Any] = {}
        self._socket: socket.socket | None = None
        self.trunk = plan.demo.carrier
        """Where the trunk leads: IP address and port."""
        if self.trunk is None:
            self._socket = (
                left.sockets[0]
                if left is not None
                else open_near(plan.host, CARRIER_PORT, "the simulated carrier", "--carrier")
            )
            self.trunk = (plan.advertised_ip, int(self._socket.getsockname()[1]))

    @property
    def simulated(self) -> bool:
        """Whether the carrier is ours."""
        return self._socket is not None

    @property
    def outside(self) -> OutsidePhone | None:
        """The phone that a browser may be in the world outside, if that is simulated."""
        return self._prepared.outside

    def carrier_config(self, lifeline_fd: int) -> CarrierConfig:
        """What the carrier's process needs."""
        assert self._socket is not None
        assert self.trunk is not None
        return CarrierConfig(
            udp_fd=self._socket.fileno(),
            lifeline_fd=lifeline_fd,
            orphan_seconds=self._plan.orphan_seconds,
            host=self.trunk[0],
            port=self.trunk[1],
            pbx_host=self._plan.advertised_ip,
            pbx_port=self._sip_port,
            username=self._prepared.carrier_username,
            password=self._prepared.carrier_password,
            log_level=self._plan.log_level,
            log_format=self._plan.log_format,
        )

    def prepared(self, prepared: Prepared) -> None:
        """The accounts are there."""
        self._prepared = prepared

    def changed(self, pids: dict[str, int], *, works: bool) -> None:
        """A process was replaced, or works now: demo.json appears when calls can be taken, and names who
        serves."""
        if not (works or self._shown):
            return
        content = self._content(pids)
        if content == self._told:
            return
        self._told = content
        temporary = self._path.with_suffix(".json.new")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
        temporary.replace(self._path)
        if not self._shown:
            self._shown = True
            print(self._table(content), flush=True)

    def close(self) -> None:
        """Nobody can call any more."""
        self._path.unlink(missing_ok=True)
        if self._socket is not None:
            self._socket.close()

    def _content(self, pids: dict[str, int]) -> dict[str, Any]:
        assert self.trunk is not None
        host = self._plan.advertised_ip
        carrier = {"host": self.trunk[0], "udp": self.trunk[1], "username": "", "password": ""}
        if self.simulated:
            carrier["username"] = self._prepared.carrier_username
            carrier["password"] = self._prepared.carrier_password
        return {
            "carrier": carrier,
            "sip": {
                "host": host,
                "udp": self._sip_port,
                "tcp": self._sip_port,
                "tls": self._tls_port,
                "ws": self._ws_url,
            },
            "http": self._http,
            "pids": pids,
            **self._prepared.accounts,
        }

    def _table(self, content: dict[str, Any]) -> str:
        sip, carrier = content["sip"], content["carrier"]
        lines = [
            "",
            f"tongdai takes calls at {sip['host']}:{sip['udp']} (SIP over UDP and TCP), :{sip['tls']} (TLS)",
            f"and {sip['ws']} (WebSocket).",
        ]
        for tenant in content["tenants"]:
            lines += ["", f"{tenant['name']} — domain {tenant['domain']}, number {tenant['numbers']['main']}"]
            rows = [("who", "dial", "user name", "password", "voicemail PIN")]
            rows += [
                (x["name"], x["extension"], device["username"], device["password"], x["voicemail_pin"])
                for x in tenant["people"]
                for device in x["devices"]
            ]
            widths = [max(len(row[column]) for row in rows) for column in range(5)]
            lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        lines += [
            "",
            "Dial 100 switchboard · 200 Sales · 300 Support queue · 411 directory by name · 600 conference",
            "     *97 your voicemail · *43 echo test · 700 to 709 parking · 0… or +84… the outside world",
        ]
        if self.simulated:
            lines.append(
                f"The outside world is simulated: be it with a phone at {carrier['host']}:{carrier['udp']},"
                f" user name {carrier['username']}, password {carrier['password']}."
            )
        else:
            lines.append(f"The outside world is the carrier at {carrier['host']}:{carrier['udp']}.")
        admin = content["tenants"][0]["admin"]
        lines += [
            f"The API is at {self._http}/api/v1 (docs/api.md).",
            f"The administrator is {admin['email']}, password {admin['password']}.",
            f"For programs: {self._path}. Ctrl-C stops.",
            *("", f"Open {self._http}{'/outside' if self.simulated else ''} and call.", ""),
        ]
        return "\n".join(lines)
