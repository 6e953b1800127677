"""The echo test, and music for ever."""

from __future__ import annotations

from tongdai.calls.events import LegDigit
from tongdai.calls.model import Echo, Music
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import EchoTest, MusicForEver


def start_echo(run: Run, node: EchoTest) -> None:
    run.answer()
    run.at.step = "hearing"
    run.step.hear(run.call, run.subject, Echo())


def start_music(run: Run, node: MusicForEver) -> None:
    run.answer()
    run.at.step = "hearing"
    run.step.hear(run.call, run.subject, Music())


TABLE: Table = {("hearing", LegDigit): ignore}
