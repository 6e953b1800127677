"""Names and passwords tried without end, and texts that cannot be parsed, against the whole server.

A short run in every test; `make soak` gives 2,000 names, 10,000 guesses, 1,000 addresses, 200 rounds."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from tests.fuzz.kept import grown
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.sip import Challenge, challenges, credentials, parse
from tests.interop.talk import talk
from tests.interop.test_hostile import serves

NAMES = int(os.environ.get("TONGDAI_SOAK_NAMES", "60"))
GUESSES = int(os.environ.get("TONGDAI_SOAK_GUESSES", "300"))
SOURCES = int(os.environ.get("TONGDAI_SOAK_SOURCES", "120"))
ROUNDS = int(os.environ.get("TONGDAI_SOAK_TEXTS", "6"))

_varying = re.compile(r'nonce="[^"]*"|branch=\S+|tag=\S+|rport=\d+|\r\nCall-ID: [^\r]*|guess\d+')


class Wire(Protocol):
    """A socket, as far as it is needed here."""

    def send(self, data: bytes, /) -> object: ...

    def recv(self, most: int, /) -> bytes: ...

    def close(self) -> None: ...


class Guesser:
    """Somebody who tries names and passwords over a socket, and says that he is `here`."""

    def __init__(self, sock: Wire, here: str, domain: str) -> None:
        self._sock = sock
        self._here = here
        self._domain = domain
        self._number = 0

    def close(self) -> None:
        self._sock.close()

    def ask(self, method: str, name: str, proof: tuple[str, str] | None = None) -> str:
        """One request as this name; the whole answer."""
        self._number += 1
        lines = [
            f"{method} {self.uri(method)} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{os.urandom(8).hex()};rport",
            f"From: <sip:{name}@{self._domain}>;tag=guess{self._number:06}",
            f"To: <sip:{name}@{self._domain}>",
            f"Call-ID: guess{self._number:06}-{os.urandom(4).hex()}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{name}@{self._here}>",
            "Max-Forwards: 70",
            *([": ".join(proof)] if proof else []),
            "Content-Length: 0",
        ]
        self._sock.send("\r\n".join([*lines, "", ""]).encode())
        while True:
            answer = self._sock.recv(65536).decode()
            status = int(answer.split(" ", 2)[1])
            if status >= 200 and f"Call-ID: guess{self._number:06}-" in answer:
                if method == "INVITE":
                    self._acknowledge(name, lines, answer)
                return answer

    def _acknowledge(self, name: str, lines: list[str], answer: str) -> None:
        to = re.search(r"\r\n(To: [^\r]*)", answer)
        assert to is not None
        ack = [lines[0].replace("INVITE", "ACK"), lines[1], lines[2], to[1], lines[4], "CSeq: 1 ACK", ""]
        self._sock.send("\r\n".join([*ack, ""]).encode())

    def uri(self, method: str) -> str:
        return f"sip:{self._domain}" if method == "REGISTER" else f"sip:102@{self._domain}"

    def guess(self, method: str, name: str, password: str) -> str:
        """The answer to a challenge, with this password."""
        challenge = self.challenge(method, name)
        return self.ask(method, name, credentials(challenge, name, password, method, self.uri(method)))

    def challenge(self, method: str, name: str) -> Challenge:
        return challenges(parse(self.ask(method, name).encode()))[0]


@contextmanager
def guesser(demo: Demo, host: str = "127.0.0.1", domain: str = "anphat.demo") -> Iterator[Guesser]:
    """A guesser for a while, over UDP."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(10.0)
    sock.connect(demo.server)
    made = Guesser(sock, "{}:{}".format(*sock.getsockname()), domain)
    try:
        yield made
    finally:
        made.close()


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
def test_names_are_told_apart_by_nothing_in_an_answer(crowded: Demo, method: str):
    """Row 1: real names and absent ones, unproven and with a wrong password: same status, headers, size."""
    looks: dict[str, set[tuple[str, ...]]] = {"real": set(), "absent": set()}
    with guesser(crowded, domain="bench.demo") as stranger:
        for number in range(NAMES):
            real = (10000 if number % 2 else 20000) + number // 2
            for kind, name in (("real", real), ("absent", 30000 + number)):
                given = [stranger.ask(method, str(name))]
                if method != "OPTIONS":
                    given.append(stranger.guess(method, str(name), "wrong"))
                looks[kind].add(tuple(_varying.sub("", x.replace(str(name), "NAME")) for x in given))
    assert looks["real"] == looks["absent"]
    assert len(looks["real"]) == 1, "each time it is the same"
    with guesser(crowded, domain="bench.demo") as owner:
        assert status(owner.guess("REGISTER", "10000", "secret")) == 200, "these accounts exist"
    serves(crowded)


async def test_guesses_of_one_address_come_to_nothing(demo: Demo, phones: Phones):
    """Row 2: the right password is among them; neither the owner nor a neighbour notices."""
    known, neighbour = demo.account("102"), demo.account("105")
    owner = await phones.raw(known)
    with guesser(demo) as stranger:
        for number in range(GUESSES):
            password = known.password if number % 50 == 49 else f"wrong{number}"
            assert status(stranger.guess("REGISTER", known.username, password)) == 401, number
    assert "passwords are being guessed" in demo.service_log()
    assert (await owner.register()).status == 200
    near, far = await talk(await phones.raw(neighbour), owner, "102")
    await near.hang_up()
    await far.hung_up()
    serves(demo)


async def test_guesses_of_many_addresses_come_to_nothing(demo: Demo, phones: Phones):
    """Row 2: one guess from each; after fifty no stranger's is looked at, be it right."""
    known = demo.account("104")
    owner = await phones.raw(known)
    for number in range(SOURCES):
        password = known.password if number > 60 and number % 20 == 0 else "wrong"
        with guesser(demo, f"127.7.{number // 250}.{number % 250 + 1}") as stranger:
            assert status(stranger.guess("REGISTER", known.username, password)) == 401, number
    assert (await owner.register()).status == 200
    serves(demo)


def resident(demo: Demo) -> int:
    """KiB of control."""
    text = Path(f"/proc/{demo.facts.pids['control']}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1])


def test_texts_that_cannot_be_parsed_leave_nothing(own_demo: Demo):
    """Row 6: the fuzzers' corpus, again and again; memory stays within 5 % of what it is then."""
    demo = own_demo.start()
    texts = [data for _, data in grown("message") if 0 < len(data) < 60_000]
    assert len(texts) > 100
    after = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.001)
        for _ in range(ROUNDS):
            for number, text in enumerate(texts):
                sock.sendto(text, demo.server)
                if number % 50 == 0:
                    _hear(sock)
            serves(demo)
            after.append(resident(demo))
    settled = after[len(after) // 3 :]
    assert max(settled) <= min(settled) * 1.05, f"KiB of control after each round: {after}"


def _hear(sock: socket.socket) -> None:
    """Whatever was answered."""
    try:
        while True:
            sock.recv(65536)
    except TimeoutError:
        return
