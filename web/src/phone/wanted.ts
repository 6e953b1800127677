import { isNumber, plainNumber } from "@/phone/directory";

const LONGEST = 32;

/** The number that a link asks to call: `/phone?call=0932718045`, or what a browser makes of `tel:` links; empty for none. */
export function wantedNumber(address: string): string {
  const asked = new URL(address, "http://any").searchParams.get("call") ?? "";
  const number = asked.replace(/^tel:(\/\/)?/i, "").split(/[;?]/, 1)[0] ?? "";
  return isNumber(number) && plainNumber(number).length <= LONGEST ? plainNumber(number) : "";
}

/** Whether this browser can be told that `tel:` links open here. */
export function canTakeLinks(): boolean {
  return "registerProtocolHandler" in navigator;
}

/** The browser asks whoever sits there. */
export function takeLinks(): void {
  navigator.registerProtocolHandler("tel", `${location.origin}/phone?call=%s`);
}

interface LaunchQueue {
  setConsumer(consumer: (launch: { targetURL?: string }) => void): void;
}

/** An installed phone is open already when a link is clicked: it hears of that instead of being loaded again, perhaps in a call. */
export function whenLinked(wanted: (number: string) => void): void {
  const { launchQueue } = globalThis as { launchQueue?: LaunchQueue };
  launchQueue?.setConsumer(({ targetURL }) => {
    const number = targetURL ? wantedNumber(targetURL) : "";
    if (number) wanted(number);
  });
}
