"""A process with liblinphone in it: `python linphone_core.py PORT CONFIGURATION TONE.wav HEARD.wav`.

It reads commands from standard input until that ends, a line each: `call URI`, `answer`, `hang-up`, `hold`,
`resume`, `keys DIGITS`. What happens it writes, a line each: `core STATE`,
`registration STATE`, `call STATE`, `key DIGIT`.
The programs that Debian has around this library either never start it or cannot speak from a file.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
from ctypes import CFUNCTYPE, c_bool, c_char_p, c_int, c_void_p

LIBRARY = "liblinphone.so.10"
_REGISTRATION = ("none", "progress", "ok", "cleared", "failed")
_CALL = (
    *("idle", "incoming", "push-incoming", "begun", "progress", "ringing", "early-media", "connected"),
    *("talking", "holding", "held", "resuming", "referred", "error", "end", "held-by-other", "updated"),
    *("incoming-early-media", "updating", "released", "early-updated", "early-updating"),
)
_EVERY_SECONDS = 0.02


def _say(*words: str) -> None:
    print(*words, flush=True)


def _registration(_core: int, _proxy: int, state: int, _message: bytes) -> None:
    _say("registration", _REGISTRATION[state])


def _call(_core: int, _of: int, state: int, _message: bytes) -> None:
    _say("call", _CALL[state])


def _key(_core: int, _of: int, key: int) -> None:
    _say("key", chr(key))


def _state(_core: int, state: int, _message: bytes) -> None:
    _say("core", ("off", "starting", "on", "shutdown", "configuring", "ready")[state])


_OF_A_CALL = CFUNCTYPE(None, c_void_p, c_void_p, c_int, c_char_p)
_CALLBACKS = {
    "global_state_changed": CFUNCTYPE(None, c_void_p, c_int, c_char_p)(_state),
    "registration_state_changed": _OF_A_CALL(_registration),
    "call_state_changed": _OF_A_CALL(_call),
    "dtmf_received": CFUNCTYPE(None, c_void_p, c_void_p, c_int)(_key),
}


class Core:
    """The library, with one account and files for sound."""

    def __init__(self, port: int, configuration: str, tone: str, heard: str) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        factory = self._do("factory_get")
        self._core = self._do("factory_create_core_3", factory, configuration, None, None)
        callbacks = self._do("factory_create_core_cbs", factory)
        for name, callback in _CALLBACKS.items():
            self._do(f"core_cbs_set_{name}", callbacks, callback)
        self._do("core_add_callbacks", self._core, callbacks)
        self._do("core_set_use_files", self._core, c_bool(True))
        self._do("core_set_play_file", self._core, tone)
        self._do("core_set_record_file", self._core, heard)
        transports = self._do("factory_create_transports", factory)
        self._do("transports_set_udp_port", transports, c_int(port))
        self._do("core_set_transports", self._core, transports)
        self._do("core_start", self._core)
        self._do("core_set_network_reachable", self._core, c_bool(True))

    def iterate(self) -> None:
        """Lets the library do what is due."""
        self._do("core_iterate", self._core)

    def stop(self) -> None:
        """Hang up and unregister."""
        self._do("core_stop", self._core)

    def obey(self, verb: str, argument: str) -> None:
        """Carries out a command."""
        call = self._do("core_get_current_call", self._core)
        match verb:
            case "call":
                self._do("core_invite", self._core, argument)
            case "answer":
                self._do("call_accept", call)
            case "hang-up":
                self._do("core_terminate_all_calls", self._core)
            case "keys":
                self._do("call_send_dtmfs", call, argument)
            case "hold":
                self._do("core_pause_all_calls", self._core)
            case "resume":
                (held,) = self._calls()
                self._do("call_resume", held)
            case _:
                _say("unknown", verb)

    def _calls(self) -> list[c_void_p]:
        class Node(ctypes.Structure):
            _fields_ = (("next", c_void_p), ("previous", c_void_p), ("data", c_void_p))

        found, at = [], self._do("core_get_calls", self._core)
        while at.value:
            node = Node.from_address(at.value)
            found.append(c_void_p(node.data))
            at = c_void_p(node.next)
        return found

    def _do(self, name: str, *arguments: object) -> c_void_p:
        function = self._library[f"linphone_{name}"]
        function.restype = c_void_p
        return c_void_p(function(*(arg.encode() if isinstance(arg, str) else arg for arg in arguments)))


def main(port: str, configuration: str, tone: str, heard: str) -> None:
    core = Core(int(port), configuration, tone, heard)
    pending = b""
    while True:
        core.iterate()
        if not select.select([0], [], [], _EVERY_SECONDS)[0]:
            continue
        read = os.read(0, 4096)
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            verb, _, argument = line.decode().partition(" ")
            core.obey(verb, argument)
        if not read:
            core.stop()
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
