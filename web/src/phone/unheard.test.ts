import { expect, test } from "vitest";
import type { Call } from "@/api/client";
import { deafLegs } from "@/phone/unheard";

type Leg = [own: string, silent: boolean, state?: string];

function call(...legs: Leg[]): Call {
  return {
    id: "call_1",
    legs: legs.map(([sip_call_id, silent, state = "answered"]) => ({ sip_call_id, silent, state })),
  } as Call;
}

test("who is not heard is missed by the other side", () => {
  expect([...deafLegs([call(["mine", false], ["theirs", true])])]).toEqual([["mine", "call_1"]]);
  expect([...deafLegs([call(["mine", true], ["theirs", false])])]).toEqual([["theirs", "call_1"]]);
});

test("nobody is missed while there is nobody, or while it rings", () => {
  expect(deafLegs([call(["mine", false])]).size).toBe(0);
  expect(deafLegs([call(["mine", false], ["theirs", false], ["ringing", true, "ringing"])]).size).toBe(0);
});

test("in a conference somebody is heard as long as one speaks", () => {
  expect(deafLegs([call(["mine", false], ["a", true], ["b", false])]).has("mine")).toBe(false);
  expect(deafLegs([call(["mine", false], ["a", true], ["b", true])]).has("mine")).toBe(true);
});

test("a leg that no phone knows cannot be told", () => {
  expect(deafLegs([call(["", false], ["theirs", true])]).size).toBe(0);
});
