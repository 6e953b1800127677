import { expect, it } from "vitest";

const modules = import.meta.glob<Record<string, unknown>>("../*/words.ts", { eager: true });

function leaves(words: unknown, path = ""): [string, string][] {
  if (typeof words === "string") return [[path, words]];
  return Object.entries(words as object).flatMap(([key, value]) => leaves(value, `${path}.${key}`));
}

const holes = (text: string) => (text.match(/{{\w+}}/g) ?? []).sort().join();

it.each(Object.entries(modules))("%s says everything in both languages, with the same blanks", (_, words) => {
  const english = new Map(leaves(words.en));
  const vietnamese = new Map(leaves(words.vi));
  expect([...vietnamese.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [key, text] of english) {
    expect(vietnamese.get(key), key).toBeTruthy();
    expect(holes(vietnamese.get(key) ?? ""), key).toBe(holes(text));
  }
});
