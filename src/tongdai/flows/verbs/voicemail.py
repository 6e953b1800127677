"""Take a message: greeting, beep, recording."""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls import facts as f
from tongdai.calls.events import LegDigit, PlayDone, RecordDone
from tongdai.calls.prompts import Beep, Phrase
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Voicemail

SHORTEST_MS = 500
"""A message with less sound than this is nobody's message: the caller hung up at the beep."""


def start(run: Run, node: Voicemail) -> None:
    mailbox = run.world.mailbox(node.mailbox)
    if mailbox is None:
        run.fail(f"mailbox {node.mailbox} does not exist")
        return
    run.at.note = mailbox.label
    run.say(mailbox.greeting, Beep(), step="greeting")


def _key(run: Run, node: Voicemail, event: LegDigit) -> None:
    """`#` skips the greeting."""
    if event.digit == "#":
        run.say(Beep(), step="greeting")


def _record(run: Run, node: Voicemail, event: PlayDone) -> None:
    run.at.step = "recording"
    run.step.record(run.call, node.limit, node.silence)


def _recorded(run: Run, node: Voicemail, event: RecordDone) -> None:
    """A message that the disk had no room for is not kept, and its caller is told so: who hears its beginning
    would take it for the whole."""
    kept = event.voiced_ms >= SHORTEST_MS and event.reason != "disk"
    if kept:
        run.step.do(c.SaveMessage(node.mailbox, event.blob, run.call.caller.seen, event.ms, run.call.id))
        run.step.note(run.call, f.MessageLeft(node.mailbox, run.at.note, event.ms))
    else:
        run.step.discard(event.blob)
    if not run.call.ended:
        broken = event.reason in ("disk", "failed")
        refusal = "voicemail.failed" if broken else "voicemail.too_short"
        run.say(Phrase("voicemail.saved" if kept else refusal), step="goodbye")


def _bye(run: Run, node: Voicemail, event: PlayDone) -> None:
    run.end()


TABLE: Table = {
    ("greeting", LegDigit): _key,
    ("greeting", PlayDone): _record,
    ("recording", LegDigit): ignore,
    ("recording", RecordDone): _recorded,
    ("goodbye", PlayDone): _bye,
    ("goodbye", LegDigit): ignore,
}
