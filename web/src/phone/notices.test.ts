import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CallView } from "@/phone/call";
import { notify, unnotify } from "@/phone/notices";
import program from "../../public/worker.js?raw";

const SLOW_MS = 20;
const later = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const settled = () => later(SLOW_MS * 10);
const words = { answer: "Answer", decline: "Decline" };
const ring = (id: string) =>
  notify({ id, name: "Hoa Le", number: "103" } as CallView, { title: `${id} is calling`, ...words });

/** The notifications of a browser that takes its time, and the worker in it. */
class Browser {
  /** How long it takes to show one, and to say which are shown. */
  showing = 0;
  listing = 0;
  readonly shown = new Map<string, string>();
  readonly registration = {
    active: { postMessage: (data: object) => this.hear({ data, source: { id: "page" }, waitUntil() {} }) },
    showNotification: async (title: string, { tag }: { tag: string }) => {
      await later(this.showing);
      this.shown.set(tag, title);
    },
    getNotifications: async () => {
      await later(this.listing);
      return [...this.shown.keys()].map((tag) => ({ tag, close: () => this.shown.delete(tag) }));
    },
  };
  private hear: (event: object) => void = () => {};

  constructor() {
    const listen = (type: string, heard: (event: object) => void) => {
      if (type === "message") this.hear = heard;
    };
    new Function("addEventListener", "registration", program)(listen, this.registration);
  }
}

describe("notifications of calls", () => {
  let browser: Browser;
  beforeEach(() => {
    browser = new Browser();
    vi.stubGlobal("Notification", { permission: "granted" });
    vi.stubGlobal("navigator", {
      ...navigator,
      serviceWorker: { getRegistration: async () => browser.registration },
    });
    return () => vi.unstubAllGlobals();
  });

  it("are closed when nothing rings any more", async () => {
    await ring("one");
    await settled();
    expect([...browser.shown.values()]).toEqual(["one is calling"]);
    await unnotify([""]);
    await settled();
    expect(browser.shown.size).toBe(0);
  });

  it("are not closed for a call before, however late the browser says what it shows", async () => {
    await ring("one");
    await settled();
    browser.listing = SLOW_MS;
    void unnotify([""]);
    void ring("two");
    await settled();
    expect([...browser.shown.keys()]).toEqual(["two"]);
  });

  it("do not stay when the call has ended before they were shown", async () => {
    browser.showing = SLOW_MS;
    void ring("one");
    void unnotify([""]);
    await settled();
    expect(browser.shown.size).toBe(0);
  });

  it("stay for what still rings", async () => {
    void ring("one");
    void ring("two");
    void unnotify(["two"]);
    await settled();
    expect([...browser.shown.keys()]).toEqual(["two"]);
  });
});
