import { addWords } from "@/shell/i18n";

const en = {
  title: "Outside world",
  company: "The company",
  youAre: "You are a customer, {{number}}",
  leave: "Close the outside world",
  signIn: "Sign in on the other side, and you have a telephone here.",
  line: {
    connecting: "Connecting…",
    ready: "Ready. The company can call this number.",
    lost: "Connection lost. Trying again…",
    refused: "This telephone is not let in. Restart the demo.",
    elsewhere: "This telephone is open in another tab.",
    busyElsewhere: "There is a call in the other tab. This telephone comes here when it has ended.",
  },
  contacts: "Whom to call",
  room: "Conference room",
  pin: "{{number}} · PIN {{pin}}",
  callName: "Call {{name}}",
  call: "Call",
  number: "Any number",
  erase: "Erase",
  keys: "Keys work while you listen",
  speaksHere: "You speak here",
  speakHere: "Speak here",
  you: "You are {{name}}",
  beSomebody: "Be somebody else",
};

const vi: typeof en = {
  title: "Bên ngoài",
  company: "Công ty",
  youAre: "Bạn là khách hàng, {{number}}",
  leave: "Đóng phần bên ngoài",
  signIn: "Hãy đăng nhập ở nửa bên kia, rồi bạn sẽ có điện thoại ở đây.",
  line: {
    connecting: "Đang kết nối…",
    ready: "Sẵn sàng. Công ty có thể gọi số này.",
    lost: "Mất kết nối. Đang thử lại…",
    refused: "Điện thoại này không được phép gọi. Hãy khởi động lại bản dùng thử.",
    elsewhere: "Điện thoại này đang mở ở một thẻ khác.",
    busyElsewhere: "Thẻ kia đang có cuộc gọi. Khi gọi xong, điện thoại này tự chuyển về đây.",
  },
  contacts: "Gọi cho ai",
  room: "Phòng họp",
  pin: "{{number}} · PIN {{pin}}",
  callName: "Gọi {{name}}",
  call: "Gọi",
  number: "Số bất kỳ",
  erase: "Xóa",
  keys: "Có thể bấm phím trong khi nghe",
  speaksHere: "Bạn nói ở đây",
  speakHere: "Nói ở đây",
  you: "Bạn là {{name}}",
  beSomebody: "Đóng vai người khác",
};

addWords("outside", { en, vi });
