import { addWords } from "@/shell/i18n";

const en = {
  tour: "Guided tour",
  outside: "Outside world",
  step: "{{number}} of {{of}}",
  skip: "Skip",
  leave: "Leave the tour",
  resume: "Go on with the tour ({{number}} of {{of}})",
  welcome: {
    title: "Two telephones: a customer’s, and yours at {{company}}",
    text: "In five minutes you hear everything: greeting, menu, hold, transfer, voicemail, conference. You speak in the half that you use; headphones make it nicer.",
    start: "Start the tour",
  },
  end: {
    title: "That was the whole switchboard",
    text: "Stay and try things: watch calls under Live, or call the customer from the company at {{number}}.",
    again: "Once more",
  },
  steps: {
    call: { title: "Call {{company}}", text: "You are the customer. Press the company’s name." },
    menu: {
      title: "Listen to the greeting, then press 1",
      text: "Keys work while it speaks. 1 is Sales; its telephones ring two seconds later.",
    },
    answer: { title: "Answer as Sales", text: "The company’s telephone rings: take the call." },
    speak: {
      title: "Say something, then change sides",
      text: "You speak where you last clicked; the bars show what arrives on the other side. Click into the customer’s half.",
    },
    hold: {
      title: "Put the customer on hold",
      text: "Press Hold, and listen what the customer hears meanwhile.",
    },
    resume: {
      title: "Music, for as long as you like",
      text: "Press Resume when you have heard enough.",
    },
    transfer: {
      title: "Pass the call on to Support",
      text: "Press Transfer, type 300, press Enter, then “Transfer now”. The customer waits in Support’s queue with music.",
    },
    again: {
      title: "Hang up, call again, dial 101",
      text: "101 is Lan’s own extension; it works in the menu, too.",
    },
    decline: { title: "Decline it", text: "Lan is busy. Her voicemail takes the call." },
    leave: { title: "Leave a message", text: "Wait for the beep, say something, hang up." },
    listen: {
      title: "Listen to the message",
      text: "It is there already, under Voicemail. Play it to its end.",
    },
    room: { title: "Open the conference", text: "Type 600 and press Enter: you are the first in the room." },
    join: {
      title: "Join it from outside",
      text: "Call the conference room at {{conference}}, then {{pin}} and # on the keypad.",
    },
    admin: {
      title: "Become the administrator",
      text: "Above the company’s half, press your name and choose Administrator. Who you are decides what you see.",
    },
    greeting: {
      title: "Hang up both, then change the greeting",
      text: "Under Company: write what callers shall hear, then “Use this greeting”. There is nothing to apply.",
    },
    hear: { title: "Call again", text: "The next caller hears your words already." },
  },
};

const vi: typeof en = {
  tour: "Hướng dẫn",
  outside: "Bên ngoài",
  step: "{{number}} / {{of}}",
  skip: "Bỏ qua",
  leave: "Thoát hướng dẫn",
  resume: "Tiếp tục hướng dẫn ({{number}} / {{of}})",
  welcome: {
    title: "Hai điện thoại: của khách hàng, và của bạn ở {{company}}",
    text: "Chỉ năm phút, bạn nghe được tất cả: lời chào, phím chọn, giữ máy, chuyển máy, hộp thư thoại, phòng họp. Bạn nói ở nửa trang đang dùng; nên đeo tai nghe.",
    start: "Bắt đầu",
  },
  end: {
    title: "Vậy là bạn đã thử toàn bộ tổng đài",
    text: "Hãy thử thêm: xem các cuộc gọi ở mục Trực tiếp, hoặc từ công ty gọi khách hàng ở số {{number}}.",
    again: "Làm lại",
  },
  steps: {
    call: { title: "Gọi {{company}}", text: "Bạn là khách hàng. Hãy bấm vào tên công ty." },
    menu: {
      title: "Nghe lời chào, rồi bấm 1",
      text: "Có thể bấm phím trong khi đang nghe. 1 là phòng Sales; máy ở đó đổ chuông sau hai giây.",
    },
    answer: {
      title: "Trả lời với vai trò Sales",
      text: "Điện thoại của công ty đổ chuông: hãy nhận cuộc gọi.",
    },
    speak: {
      title: "Nói gì đó, rồi đổi bên",
      text: "Bạn nói ở nửa trang bấm sau cùng; các vạch cho thấy bên kia nghe được gì. Hãy bấm vào nửa của khách hàng.",
    },
    hold: { title: "Giữ máy khách hàng", text: "Bấm Giữ máy, và nghe khách hàng nghe gì trong lúc đó." },
    resume: { title: "Nhạc chờ, bao lâu cũng được", text: "Nghe đủ rồi thì bấm Nói tiếp." },
    transfer: {
      title: "Chuyển cuộc gọi cho Support",
      text: "Bấm Chuyển máy, gõ 300, bấm Enter, rồi “Chuyển ngay”. Khách hàng nghe nhạc trong hàng chờ của Support.",
    },
    again: {
      title: "Gác máy, gọi lại, bấm 101",
      text: "101 là số máy lẻ của Lan; trong lúc nghe lời chào cũng bấm được.",
    },
    decline: { title: "Từ chối", text: "Lan đang bận. Hộp thư thoại nhận cuộc gọi." },
    leave: { title: "Để lại lời nhắn", text: "Đợi tiếng bíp, nói gì đó, rồi gác máy." },
    listen: { title: "Nghe tin nhắn", text: "Tin nhắn đã ở trong Hộp thư thoại. Hãy nghe đến hết." },
    room: { title: "Mở phòng họp", text: "Gõ 600 rồi bấm Enter: bạn là người đầu tiên trong phòng." },
    join: {
      title: "Vào phòng họp từ bên ngoài",
      text: "Gọi phòng họp ở số {{conference}}, rồi bấm {{pin}} và # trên bàn phím.",
    },
    admin: {
      title: "Đóng vai quản trị viên",
      text: "Ở phía trên nửa của công ty, bấm vào tên bạn rồi chọn Administrator. Bạn là ai thì thấy những gì dành cho người đó.",
    },
    greeting: {
      title: "Gác cả hai máy, rồi đổi lời chào",
      text: "Trong mục Công ty: viết điều người gọi sẽ nghe, rồi bấm “Dùng lời chào này”. Không cần áp dụng gì thêm.",
    },
    hear: { title: "Gọi lại", text: "Người gọi tiếp theo đã nghe lời chào của bạn." },
  },
};

addWords("tour", { en, vi });
