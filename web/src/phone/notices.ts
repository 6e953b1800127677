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
  (await worker())?.active?.postMessage(notice);
}

/** Nothing rings any more, or only this. */
export async function unnotify(ringing: string[]): Promise<void> {
  const shown = (await (await worker())?.getNotifications()) ?? [];
  for (const one of shown) if (!ringing.includes(one.tag)) one.close();
}

/** Hear of clicks: which call, and what is to be done with it. */
export function whenClicked(act: (call: string, what: NoticeAct) => void): () => void {
  const hear = ({ data }: MessageEvent) => {
    if (data?.notice) act(data.notice, data.act || "open");
  };
  navigator.serviceWorker?.addEventListener("message", hear);
  return () => navigator.serviceWorker?.removeEventListener("message", hear);
}

async function worker(): Promise<ServiceWorkerRegistration | undefined> {
  return navigator.serviceWorker?.getRegistration();
}
