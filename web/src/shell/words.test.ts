import i18next from "i18next";
import { expect, it } from "vitest";
import { startSpeaking } from "@/shell/i18n";

const pages = import.meta.glob("../*/words.ts");

function leaves(words: unknown, path = ""): [string, string][] {
  if (typeof words === "string") return [[path, words]];
  return Object.entries(words as object).flatMap(([key, value]) => leaves(value, `${path}.${key}`));
}

const holes = (text: string) => (text.match(/{{\w+}}/g) ?? []).sort().join();

it("says everything in both languages, with the same blanks", async () => {
  startSpeaking();
  for (const load of Object.values(pages)) await load();
  const { problem: _, ...english } = i18next.getDataByLanguage("en") ?? {};
  const { problem: __, ...other } = i18next.getDataByLanguage("vi") ?? {};
  const vietnamese = new Map(leaves(other));
  expect(Object.keys(english)).toContain("phone");
  for (const [key, text] of leaves(english)) {
    expect(vietnamese.get(key), key).toBeTruthy();
    expect(holes(vietnamese.get(key) ?? ""), key).toBe(holes(text));
  }
});
