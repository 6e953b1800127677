import type { CallView } from "@/phone/call";
import { canRing } from "@/phone/sound";

/** What is asked of the worker, and what it tells of a click (`public/worker.js`). */
export interface Notice {
  show: string;
  options: NotificationOptions & {
    actions?: { action: string; title: string }[];
    requireInteraction?: boolean;
  };
}

/** Close all others. */
interface Keep {
  keep: string[];
}

export type NoticeAct = "open" | "answer" | "decline";

export function mayNotify(): NotificationPermission {
  return globalThis.Notification?.permission ?? "denied";
}

interface Words {
  title: string;
  answer: string;
  decline: string;
}

/** Tell of a call that rings while the page is not looked at. */
export async function notify(call: CallView, words: Words): Promise<void> {
  if (mayNotify() !== "granted") return;
  const notice: Notice = {
    show: words.title,
    options: {
      body: call.name ? call.number : "",
      icon: "/icon-192.png",
      badge: "/icon-192.png",
      tag: call.id,
      requireInteraction: true,
      silent: canRing(),
      actions: [
        { action: "answer", title: words.answer },
        { action: "decline", title: words.decline },
      ],
    },
  };
  await send(notice);
}

/** Nothing rings any more, or only this. */
export async function unnotify(ringing: string[]): Promise<void> {
  if (mayNotify() === "granted") await send({ keep: ringing } satisfies Keep);
}

/** Hear of clicks: which call, and what is to be done with it. */
export function whenClicked(act: (call: string, what: NoticeAct) => void): () => void {
  const hear = ({ data }: MessageEvent) => {
    if (data?.notice) act(data.notice, data.act || "open");
  };
  navigator.serviceWorker?.addEventListener("message", hear);
  return () => navigator.serviceWorker?.removeEventListener("message", hear);
}

let sent: Promise<void> = Promise.resolve();

/** In the order in which it is asked: what ended is not shown after that, nor what rings closed for what rang before. */
function send(message: Notice | Keep): Promise<void> {
  sent = sent
    .then(() => navigator.serviceWorker?.getRegistration())
    .then(
      (worker) => worker?.active?.postMessage(message),
      () => undefined,
    );
  return sent;
}
