"""English phrases. Keys and parameters are the same as in vi.py."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.speech.numbers import cardinal


def _count(number: int, one: str, many: str) -> str:
    return f"{cardinal(number, 'en')} {one if number == 1 else many}"


def _mailbox_count(new: int, saved: int) -> str:
    if not new and not saved:
        return "You have no messages."
    if not new:
        return f"You have no new messages, and {_count(saved, 'saved message', 'saved messages')}."
    if not saved:
        return f"You have {_count(new, 'new message', 'new messages')}."
    return f"You have {_count(new, 'new message', 'new messages')}, and {cardinal(saved, 'en')} saved."


def _mailbox_message(number: int, caller: str, when: str = "") -> str:
    received = f", received {when}" if when else ""
    return f"Message {cardinal(number, 'en')}, from {caller or 'an unknown caller'}{received}."


def _queue_position(position: int) -> str:
    if position == 1:
        return "You are next in line."
    return f"You are number {cardinal(position, 'en')} in line."


PHRASES: dict[str, str | Callable[..., str]] = {
    # menus
    "menu.option": "For {label}, press {digit}.",
    "menu.invalid": "That is not one of the choices.",
    # reaching somebody
    "outside.not_permitted": (
        "Calls to this destination are not permitted. Please ask your administrator to open it."
    ),
    "outside.limited": "All lines are in use. Please call again later.",
    "outside.unavailable": "The number you have dialed cannot be reached right now.",
    "outside.accept": "You have a call. To take it, press 1.",
    "goodbye": "Goodbye.",
    # one's own preferences
    "prefer.dnd.on": "Do not disturb is on.",
    "prefer.dnd.off": "Do not disturb is off.",
    "prefer.call_waiting.on": "Call waiting is on.",
    "prefer.call_waiting.off": "Call waiting is off.",
    "prefer.number": "Dial the number that your calls shall go to, then press the hash key.",
    "prefer.bad_number": "Calls cannot be forwarded to that number.",
    "prefer.always.on": "All your calls are now forwarded to {number}.",
    "prefer.always.off": "Your calls are no longer forwarded.",
    "prefer.busy.on": "When you are busy, your calls are now forwarded to {number}.",
    "prefer.busy.off": "When you are busy, your calls are no longer forwarded.",
    "prefer.no_answer.on": "Calls that you do not answer are now forwarded to {number}.",
    "prefer.no_answer.off": "Calls that you do not answer are no longer forwarded.",
    "prefer.unreachable.on": "When your phone cannot be reached, your calls are now forwarded to {number}.",
    "prefer.unreachable.off": "When your phone cannot be reached, your calls are no longer forwarded.",
    # leaving a message
    "voicemail.greeting.person": "{name} is not available. Please leave a message after the tone.",
    "voicemail.greeting.department": (
        "Nobody in {name} can take your call right now. Please leave a message after the tone."
    ),
    "voicemail.saved": "Your message has been saved. Goodbye.",
    "voicemail.failed": "Your message could not be saved. Please call again later. Goodbye.",
    "voicemail.too_short": "Your message was too short and has not been saved. Goodbye.",
    # one's own mailbox
    "mailbox.enter_pin": "Please enter your PIN, followed by the hash key.",
    "mailbox.wrong_pin": "That PIN is not correct.",
    "mailbox.locked": "This mailbox is locked after too many wrong PINs. Please try again later.",
    "mailbox.count": _mailbox_count,
    "mailbox.message": _mailbox_message,
    "mailbox.menu": (
        "To hear it again, press 1. For the next message, press 2. To delete it, press 3. "
        "To save it, press 4. For your options, press 0."
    ),
    "mailbox.options": (
        "To record your greeting, press 1. To change your PIN, press 2. "
        "To go back to your messages, press the star key."
    ),
    "mailbox.deleted": "Message deleted.",
    "mailbox.saved": "Message saved.",
    "mailbox.no_more": "There are no more messages.",
    "mailbox.record_greeting": "Record your greeting after the tone, then press the hash key.",
    "mailbox.greeting_saved": "Your new greeting is:",
    "mailbox.greeting_silent": "I heard nothing. Your greeting has not been saved.",
    "mailbox.new_pin": "Please enter your new PIN, followed by the hash key.",
    "mailbox.pin_changed": "Your PIN has been changed.",
    "mailbox.pin_bad": "A PIN has four to ten digits, and they are not all the same.",
    # queues
    "queue.welcome": "Welcome to {department}. All our agents are busy. Please hold the line.",
    "queue.position": _queue_position,
    "queue.still_waiting": "Thank you for waiting. We will be with you as soon as we can.",
    # directory by name
    "directory.prompt": (
        "Please spell the first or last name of the person you want on your keypad, then press the hash key."
    ),
    "directory.choice": "For {name}, press {digit}.",
    "directory.none": "I found nobody of that name.",
    "directory.again": "Please try again.",
    # conference
    "conference.pin": "Please enter the conference PIN, followed by the hash key.",
    "conference.wrong_pin": "That PIN is not correct.",
    "conference.alone": "You are the first in the conference.",
    "conference.invite": "Dial the number that you want to bring in, then press the hash key.",
    "conference.invite_failed": "That number could not be brought into the conference.",
    # parking
    "park.empty": "There is no call parked at {slot}.",
}
