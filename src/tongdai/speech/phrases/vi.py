"""Vietnamese phrases. Keys and parameters are the same as in en.py."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.speech.numbers import cardinal


def _mailbox_count(new: int, saved: int) -> str:
    if not new and not saved:
        return "Bạn không có tin nhắn nào."
    if not new:
        return f"Bạn không có tin nhắn mới, và có {cardinal(saved, 'vi')} tin nhắn đã lưu."
    if not saved:
        return f"Bạn có {cardinal(new, 'vi')} tin nhắn mới."
    return f"Bạn có {cardinal(new, 'vi')} tin nhắn mới, và {cardinal(saved, 'vi')} tin nhắn đã lưu."


def _mailbox_message(number: int, caller: str, when: str = "") -> str:
    received = f", lúc {when}" if when else ""
    return f"Tin nhắn số {cardinal(number, 'vi')}, từ {caller or 'một số không rõ'}{received}."


def _queue_position(position: int) -> str:
    if position == 1:
        return "Quý khách là người tiếp theo."
    return f"Quý khách đang ở vị trí thứ {'tư' if position == 4 else cardinal(position, 'vi')}."


PHRASES: dict[str, str | Callable[..., str]] = {
    # lựa chọn
    "menu.option": "Để gặp {label}, bấm phím {digit}.",
    "menu.invalid": "Lựa chọn không hợp lệ.",
    # gọi cho một người
    "outside.not_permitted": (
        "Không được phép gọi đến nơi này. Xin vui lòng liên hệ quản trị viên để được mở."
    ),
    "outside.limited": "Tất cả các đường dây đang bận. Xin quý khách gọi lại sau.",
    "outside.unavailable": "Số quý khách vừa gọi hiện không liên lạc được.",
    "outside.accept": "Bạn có cuộc gọi đến. Để nhận, bấm phím 1.",
    "goodbye": "Xin chào và hẹn gặp lại.",
    # tùy chọn của mình
    "prefer.dnd.on": "Đã bật chế độ không làm phiền.",
    "prefer.dnd.off": "Đã tắt chế độ không làm phiền.",
    "prefer.call_waiting.on": "Đã bật cuộc gọi chờ.",
    "prefer.call_waiting.off": "Đã tắt cuộc gọi chờ.",
    "prefer.number": "Xin bấm số nhận cuộc gọi chuyển tiếp, rồi bấm phím thăng.",
    "prefer.bad_number": "Không chuyển tiếp được cuộc gọi đến số này.",
    "prefer.always.on": "Mọi cuộc gọi của bạn được chuyển tiếp đến số {number}.",
    "prefer.always.off": "Đã tắt chuyển tiếp mọi cuộc gọi.",
    "prefer.busy.on": "Khi bạn bận, cuộc gọi được chuyển tiếp đến số {number}.",
    "prefer.busy.off": "Đã tắt chuyển tiếp khi bận.",
    "prefer.no_answer.on": "Khi bạn không nghe máy, cuộc gọi được chuyển tiếp đến số {number}.",
    "prefer.no_answer.off": "Đã tắt chuyển tiếp khi không nghe máy.",
    "prefer.unreachable.on": (
        "Khi máy của bạn không liên lạc được, cuộc gọi được chuyển tiếp đến số {number}."
    ),
    "prefer.unreachable.off": "Đã tắt chuyển tiếp khi không liên lạc được.",
    # để lại lời nhắn
    "voicemail.greeting.person": "{name} hiện không nghe máy. Xin để lại lời nhắn sau tiếng bíp.",
    "voicemail.greeting.department": (
        "Hiện không có ai ở {name} nghe máy. Xin để lại lời nhắn sau tiếng bíp."
    ),
    "voicemail.saved": "Lời nhắn của bạn đã được lưu. Xin chào.",
    "voicemail.failed": "Lời nhắn không lưu được. Xin vui lòng gọi lại sau. Xin chào.",
    "voicemail.too_short": "Lời nhắn quá ngắn nên không được lưu. Xin chào.",
    # hộp thư của mình
    "mailbox.enter_pin": "Xin nhập mã PIN, rồi bấm phím thăng.",
    "mailbox.wrong_pin": "Mã PIN không đúng.",
    "mailbox.locked": "Hộp thư đã bị khóa vì nhập sai mã PIN quá nhiều lần. Xin vui lòng thử lại sau.",
    "mailbox.count": _mailbox_count,
    "mailbox.message": _mailbox_message,
    "mailbox.menu": ("Nghe lại, bấm 1. Tin tiếp theo, bấm 2. Xóa, bấm 3. Lưu, bấm 4. Tùy chọn, bấm 0."),
    "mailbox.options": ("Thu lời chào, bấm 1. Đổi mã PIN, bấm 2. Quay lại nghe tin nhắn, bấm phím sao."),
    "mailbox.deleted": "Đã xóa tin nhắn.",
    "mailbox.saved": "Đã lưu tin nhắn.",
    "mailbox.no_more": "Không còn tin nhắn nào.",
    "mailbox.record_greeting": "Xin đọc lời chào sau tiếng bíp, rồi bấm phím thăng.",
    "mailbox.greeting_saved": "Lời chào mới của bạn là:",
    "mailbox.greeting_silent": "Tôi không nghe thấy gì. Lời chào không được lưu.",
    "mailbox.new_pin": "Xin nhập mã PIN mới, rồi bấm phím thăng.",
    "mailbox.pin_changed": "Đã đổi mã PIN.",
    "mailbox.pin_bad": "Mã PIN phải có từ bốn đến mười chữ số, và không được giống nhau hết.",
    # hàng chờ
    "queue.welcome": "Chào mừng quý khách đến với {department}. Nhân viên đều đang bận. Xin giữ máy.",
    "queue.position": _queue_position,
    "queue.still_waiting": "Cảm ơn quý khách đã chờ. Chúng tôi sẽ phục vụ quý khách ngay khi có thể.",
    # tìm theo tên
    "directory.prompt": "Xin bấm tên hoặc họ của người cần gặp trên bàn phím, rồi bấm phím thăng.",
    "directory.choice": "Để gặp {name}, bấm phím {digit}.",
    "directory.none": "Không tìm thấy ai có tên này.",
    "directory.again": "Xin vui lòng thử lại.",
    # phòng họp
    "conference.pin": "Xin nhập mã PIN của phòng họp, rồi bấm phím thăng.",
    "conference.wrong_pin": "Mã PIN không đúng.",
    "conference.alone": "Bạn là người đầu tiên trong phòng họp.",
    "conference.invite": "Xin bấm số cần mời vào, rồi bấm phím thăng.",
    "conference.invite_failed": "Không mời được số này vào phòng họp.",
    # giữ cuộc gọi
    "park.empty": "Không có cuộc gọi nào tại {slot}.",
}
