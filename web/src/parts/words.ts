import { addWords } from "@/shell/i18n";

const en = {
  hears: "What a caller hears",
  saved: "Saved. The next call hears it.",
  type: "Type",
  record: "Speak",
  upload: "Upload",
  listen: "Listen",
  stop: "Stop",
  start: "Start recording",
  recording: "Recording… {{seconds}} s",
  again: "Record again",
  noMicrophone: "The microphone cannot be used. Allow it in the browser, then try again.",
  choose: "Choose a sound file",
  file: "WAV, MP3, M4A, Ogg or FLAC, at most 20 MiB and 10 minutes.",
  anyone: "Anyone",
  places: {
    asked: "Call from the screen",
    directory: "Directory by name",
    echo: "Sound test",
    music: "Hold music",
    voicemail: "Voicemail",
  },
};

const vi: typeof en = {
  hears: "Người gọi sẽ nghe",
  saved: "Đã lưu. Áp dụng từ cuộc gọi tiếp theo.",
  type: "Nhập chữ",
  record: "Thu âm",
  upload: "Tải lên",
  listen: "Nghe thử",
  stop: "Dừng",
  start: "Bắt đầu thu âm",
  recording: "Đang thu… {{seconds}} giây",
  again: "Thu lại",
  noMicrophone: "Không dùng được micrô. Hãy cho phép trong trình duyệt rồi thử lại.",
  choose: "Chọn tệp âm thanh",
  file: "WAV, MP3, M4A, Ogg hoặc FLAC, tối đa 20 MiB và 10 phút.",
  anyone: "Bất kỳ ai",
  places: {
    asked: "Gọi từ màn hình",
    directory: "Tìm theo tên",
    echo: "Thử âm thanh",
    music: "Nhạc chờ",
    voicemail: "Hộp thư thoại",
  },
};

addWords("parts", { en, vi });
