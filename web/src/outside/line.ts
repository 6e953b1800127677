import type { OutsideAccount } from "@/outside/account";
import { iceServers, openLine, serverOf } from "@/phone/store";

let opened = "";

/** Register the phone of the world outside, once per page, whoever is signed in. */
export function openOutsideLine(account: OutsideAccount): void {
  if (opened === account.username) return;
  opened = account.username;
  openLine("outside", {
    name: account.username,
    server: serverOf(account.socket),
    username: account.username,
    domain: account.domain,
    password: account.password,
    iceServers,
  });
}
