"""One's own voicemail by phone: PIN, messages, and the options (greeting, PIN)."""

from __future__ import annotations

from tongdai.calls import commands as c
from tongdai.calls.events import LegDigit, PlayDone, RecordDone, TimerFired
from tongdai.calls.model import Cause
from tongdai.calls.prompts import Beep, Clip, Phrase, Prompt
from tongdai.flows.ports import MailboxView, Message
from tongdai.flows.run import Run, Table, ignore
from tongdai.flows.schema import Mailbox
from tongdai.flows.verbs import pin

PIN_TRIES = 3
PIN_SECONDS = 10.0
IDLE_SECONDS = 15.0
GREETING_LIMIT = 60.0
GREETING_SILENCE = 5.0
PIN_LENGTHS = range(4, 11)


def start(run: Run, node: Mailbox) -> None:
    if pin.locked(run.step.state, node.mailbox, run.now):
        run.say(Phrase("mailbox.locked"), step="leaving")
    else:
        run.say(Phrase("mailbox.enter_pin"), step="pin")


# the PIN


def _pin_key(run: Run, node: Mailbox, event: LegDigit) -> None:
    run.hush()
    if event.digit == "#":
        _check_pin(run, node)
    else:
        run.at.digits += event.digit
        run.timer("idle", PIN_SECONDS)


def _pin_asked(run: Run, node: Mailbox, event: PlayDone) -> None:
    run.timer("idle", PIN_SECONDS)


def _pin_idle(run: Run, node: Mailbox, event: TimerFired) -> None:
    if run.at.digits:
        _check_pin(run, node)
    else:
        run.say(Phrase("goodbye"), step="leaving")


def _check_pin(run: Run, node: Mailbox) -> None:
    given, run.at.digits = run.at.digits, ""
    run.cancel("idle")
    locked = pin.locked(run.step.state, node.mailbox, run.now)
    if not locked and run.world.check_pin(node.mailbox, given):
        pin.right(run.step.state, node.mailbox)
        run.pressed("", "right_pin")
        _open(run, node)
        return
    if not locked:
        pin.wrong(run.step.state, node.mailbox, run.now)
    run.pressed("", "wrong_pin")
    run.at.tries += 1
    if run.at.tries >= PIN_TRIES or pin.locked(run.step.state, node.mailbox, run.now):
        run.say(Phrase("mailbox.wrong_pin"), Phrase("goodbye"), step="leaving")
    else:
        run.say(Phrase("mailbox.wrong_pin"), Phrase("mailbox.enter_pin"), step="pin")


# messages


def _view(run: Run, node: Mailbox) -> MailboxView:
    view = run.world.mailbox(node.mailbox)
    return view if view is not None else MailboxView(node.mailbox, "", Phrase("goodbye"), ())


def _open(run: Run, node: Mailbox) -> None:
    messages = _view(run, node).messages
    new = [m.id for m in messages if not m.saved]
    saved = [m.id for m in messages if m.saved]
    run.at.items, run.at.index = new + saved, 0
    count = Phrase("mailbox.count", {"new": len(new), "saved": len(saved)})
    if run.at.items:
        _play_message(run, node, count)
    else:
        run.say(count, Phrase("mailbox.no_more"), step="messages")


def _current(run: Run, node: Mailbox) -> Message | None:
    if run.at.index >= len(run.at.items):
        return None
    wanted = run.at.items[run.at.index]
    return next((m for m in _view(run, node).messages if m.id == wanted), None)


def _play_message(run: Run, node: Mailbox, *before: Prompt) -> None:
    message = _current(run, node)
    if message is None:
        run.say(*before, Phrase("mailbox.no_more"), step="messages")
        return
    number = run.at.index + 1
    run.say(
        *before,
        Phrase("mailbox.message", {"number": number, "caller": message.caller.number or message.caller.name}),
        Clip(message.blob),
        Phrase("mailbox.menu"),
        step="messages",
    )


def _next(run: Run, node: Mailbox, *before: Prompt) -> None:
    run.at.index = min(run.at.index + 1, len(run.at.items))
    _play_message(run, node, *before)


def _message_key(run: Run, node: Mailbox, event: LegDigit) -> None:
    run.hush()
    run.cancel("idle")
    message = _current(run, node)
    if event.digit == "0":
        _options(run)
    elif event.digit == "1":
        if message is None:
            _open(run, node)
        else:
            _play_message(run, node)
    elif event.digit == "2":
        _next(run, node)
    elif event.digit in "34" and message is not None:
        deleted = event.digit == "3"
        run.step.do(c.MarkMessage(node.mailbox, message.id, deleted=deleted))
        run.pressed(event.digit, "message_deleted" if deleted else "message_saved")
        _next(run, node, Phrase("mailbox.deleted" if deleted else "mailbox.saved"))
    else:
        run.say(Phrase("mailbox.menu"), step="messages")


def _listen(run: Run, node: Mailbox, event: PlayDone) -> None:
    run.timer("idle", IDLE_SECONDS)


def _idle(run: Run, node: Mailbox, event: TimerFired) -> None:
    run.say(Phrase("goodbye"), step="leaving")


# options


def _options(run: Run, *before: Prompt) -> None:
    run.at.digits = ""
    run.say(*before, Phrase("mailbox.options"), step="options")


def _option_key(run: Run, node: Mailbox, event: LegDigit) -> None:
    """`#` may still be the one that ended the greeting just recorded."""
    if event.digit == "#":
        return
    run.hush()
    run.cancel("idle")
    if event.digit == "1":
        run.say(Phrase("mailbox.record_greeting"), Beep(), step="greeting")
    elif event.digit == "2":
        run.say(Phrase("mailbox.new_pin"), step="new_pin")
    elif event.digit == "*":
        _open(run, node)
    else:
        _options(run)


def _record_greeting(run: Run, node: Mailbox, event: PlayDone) -> None:
    run.at.step = "recording"
    run.step.record(run.call, GREETING_LIMIT, GREETING_SILENCE)


def _greeting_recorded(run: Run, node: Mailbox, event: RecordDone) -> None:
    """A greeting counts when it was ended on purpose; who hung up has thought better of it."""
    if event.reason in ("closed", "disk", "failed") or event.voiced_ms == 0:
        run.step.discard(event.blob)
        if not run.call.ended:
            _options(run, Phrase("mailbox.greeting_silent"))
        return
    run.step.do(c.SetGreeting(node.mailbox, event.blob))
    run.pressed("", "greeting_recorded")
    if not run.call.ended:
        _options(run, Phrase("mailbox.greeting_saved"), Clip(event.blob))


def _new_pin_key(run: Run, node: Mailbox, event: LegDigit) -> None:
    run.hush()
    if event.digit != "#":
        run.at.digits += event.digit
        run.timer("idle", PIN_SECONDS)
        return
    new, run.at.digits = run.at.digits, ""
    run.cancel("idle")
    if len(new) in PIN_LENGTHS and new.isdigit() and len(set(new)) > 1:
        run.step.do(c.SetPin(node.mailbox, new))
        run.pressed("", "pin_changed")
        _options(run, Phrase("mailbox.pin_changed"))
    else:
        run.say(Phrase("mailbox.pin_bad"), Phrase("mailbox.new_pin"), step="new_pin")


def _leave(run: Run, node: Mailbox, event: PlayDone) -> None:
    run.end(Cause.NORMAL)


TABLE: Table = {
    ("pin", LegDigit): _pin_key,
    ("pin", PlayDone): _pin_asked,
    ("pin", TimerFired): _pin_idle,
    ("messages", LegDigit): _message_key,
    ("messages", PlayDone): _listen,
    ("messages", TimerFired): _idle,
    ("options", LegDigit): _option_key,
    ("options", PlayDone): _listen,
    ("options", TimerFired): _idle,
    ("greeting", PlayDone): _record_greeting,
    ("greeting", LegDigit): ignore,
    ("recording", LegDigit): ignore,
    ("recording", RecordDone): _greeting_recorded,
    ("new_pin", LegDigit): _new_pin_key,
    ("new_pin", PlayDone): _listen,
    ("new_pin", TimerFired): _idle,
    ("leaving", PlayDone): _leave,
    ("leaving", LegDigit): ignore,
}
