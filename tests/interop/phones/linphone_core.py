"""A process with liblinphone: `python linphone_core.py TRANSPORT PORT CONFIGURATION TONE.wav HEARD.wav`.

It reads commands from standard input until that ends, a line each: `call URI`, `answer`, `hang-up`, `hold`,
`resume`, `keys DIGITS`, `transfer URI`, `subscribe PACKAGE URI`, `friend URI`. What happens it writes, a line
each: `core STATE`, `registration STATE`, `call STATE`, `key DIGIT`, `transfer STATE`, `subscription STATE`,
`notify PACKAGE BODY` (as JSON), `presence STATE`, and of a call that is answered `protection NAME` and
`codec NAME`.
The programs that Debian has around this library either never start it or cannot speak from a file.
"""

from __future__ import annotations

import ctypes
import json
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
_SUBSCRIPTION = ("none", "progress", "incoming", "pending", "active", "terminated", "error", "expiring")
_PRESENCE = ("online", "busy", "dnd", "offline")
_PROTECTION = ("none", "srtp", "zrtp", "dtls")
_EVERY_SECONDS = 0.02
_SUBSCRIBED_SECONDS = 300


def _say(*words: str) -> None:
    print(*words, flush=True)


def _registration(_core: int, _proxy: int, state: int, _message: bytes) -> None:
    _say("registration", _REGISTRATION[state])


def _call(_core: int, of: int, state: int, _message: bytes) -> None:
    if _CALL[state] == "talking":
        used = _linphone("call_get_current_params", c_void_p(of))
        _say("protection", _PROTECTION[_linphone("call_params_get_media_encryption", used).value or 0])
        codec = _linphone("call_params_get_used_audio_payload_type", used)
        _say("codec", ctypes.string_at(_linphone("payload_type_get_mime_type", codec).value or 0).decode())
    _say("call", _CALL[state])


def _key(_core: int, _of: int, key: int) -> None:
    _say("key", chr(key))


def _state(_core: int, state: int, _message: bytes) -> None:
    _say("core", ("off", "starting", "on", "shutdown", "configuring", "ready")[state])


def _transfer(_core: int, _of: int, state: int) -> None:
    _say("transfer", _CALL[state])


def _subscription(_core: int, _of: int, state: int) -> None:
    _say("subscription", _SUBSCRIPTION[state])


def _notify(_core: int, _of: int, package: bytes, content: int) -> None:
    text = _linphone("content_get_utf8_text", c_void_p(content)) if content else c_void_p()
    body = ctypes.string_at(text.value).decode() if text.value else ""
    _say("notify", package.decode(), json.dumps(body))


def _presence(_core: int, friend: int) -> None:
    _say("presence", _PRESENCE[_linphone("friend_get_consolidated_presence", c_void_p(friend)).value or 0])


_library = ctypes.CDLL(LIBRARY)


def _linphone(name: str, *arguments: object) -> c_void_p:
    function = _library[f"linphone_{name}"]
    function.restype = c_void_p
    return c_void_p(function(*(arg.encode() if isinstance(arg, str) else arg for arg in arguments)))


_OF_A_CALL = CFUNCTYPE(None, c_void_p, c_void_p, c_int, c_char_p)
_CALLBACKS = {
    "global_state_changed": CFUNCTYPE(None, c_void_p, c_int, c_char_p)(_state),
    "registration_state_changed": _OF_A_CALL(_registration),
    "call_state_changed": _OF_A_CALL(_call),
    "dtmf_received": CFUNCTYPE(None, c_void_p, c_void_p, c_int)(_key),
    "transfer_state_changed": CFUNCTYPE(None, c_void_p, c_void_p, c_int)(_transfer),
    "subscription_state_changed": CFUNCTYPE(None, c_void_p, c_void_p, c_int)(_subscription),
    "notify_received": CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_void_p)(_notify),
    "notify_presence_received": CFUNCTYPE(None, c_void_p, c_void_p)(_presence),
}


class Core:
    """The library, with one account and files for sound."""

    def __init__(self, transport: str, port: int, configuration: str, tone: str, heard: str) -> None:
        factory = _linphone("factory_get")
        self._core = _linphone("factory_create_core_3", factory, configuration, None, None)
        callbacks = _linphone("factory_create_core_cbs", factory)
        for name, callback in _CALLBACKS.items():
            _linphone(f"core_cbs_set_{name}", callbacks, callback)
        _linphone("core_add_callbacks", self._core, callbacks)
        _linphone("core_set_use_files", self._core, c_bool(True))
        _linphone("core_set_play_file", self._core, tone)
        _linphone("core_set_record_file", self._core, heard)
        transports = _linphone("factory_create_transports", factory)
        for each in ("udp", "tcp", "tls"):
            _linphone(f"transports_set_{each}_port", transports, c_int(port if each == transport else 0))
        _linphone("core_set_transports", self._core, transports)
        _linphone("core_start", self._core)
        _linphone("core_set_network_reachable", self._core, c_bool(True))

    def iterate(self) -> None:
        """Lets the library do what is due."""
        _linphone("core_iterate", self._core)

    def stop(self) -> None:
        """Hang up and unregister."""
        _linphone("core_stop", self._core)

    def obey(self, verb: str, argument: str) -> None:
        """Carries out a command."""
        call = _linphone("core_get_current_call", self._core)
        match verb:
            case "call":
                _linphone("core_invite", self._core, argument)
            case "answer":
                _linphone("call_accept", call)
            case "hang-up":
                _linphone("core_terminate_all_calls", self._core)
            case "keys":
                _linphone("call_send_dtmfs", call, argument)
            case "hold":
                _linphone("core_pause_all_calls", self._core)
            case "resume":
                (held,) = self._calls()
                _linphone("call_resume", held)
            case "transfer":
                _linphone("call_transfer_to", call, self._address(argument))
            case "subscribe":
                package, _, target = argument.partition(" ")
                address, seconds = self._address(target), c_int(_SUBSCRIBED_SECONDS)
                event = _linphone("core_create_subscribe", self._core, address, package, seconds)
                _linphone("event_send_subscribe", event, None)
            case "friend":
                friend = _linphone("core_create_friend_with_address", self._core, argument)
                _linphone("friend_enable_subscribes", friend, c_bool(True))
                _linphone("core_add_friend", self._core, friend)
            case _:
                _say("unknown", verb)

    def _address(self, uri: str) -> c_void_p:
        return _linphone("core_create_address", self._core, uri)

    def _calls(self) -> list[c_void_p]:
        class Node(ctypes.Structure):
            _fields_ = (("next", c_void_p), ("previous", c_void_p), ("data", c_void_p))

        found, at = [], _linphone("core_get_calls", self._core)
        while at.value:
            node = Node.from_address(at.value)
            found.append(c_void_p(node.data))
            at = c_void_p(node.next)
        return found


def main(transport: str, port: str, configuration: str, tone: str, heard: str) -> None:
    core = Core(transport, int(port), configuration, tone, heard)
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
