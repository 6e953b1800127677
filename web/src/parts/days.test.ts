import { expect, it } from "vitest";
import { dayName, shortTime } from "@/parts/days";

const now = new Date(2026, 10, 26, 9, 30);

it.each([
  [new Date(2026, 10, 26, 0, 1), "en", "Today"],
  [new Date(2026, 10, 25, 23, 59), "en", "Yesterday"],
  [new Date(2026, 10, 25, 0, 0), "vi", "Hôm qua"],
  [new Date(2026, 10, 24, 12, 0), "en", "Tuesday, November 24"],
  [new Date(2025, 10, 26, 12, 0), "en", "Wednesday, November 26, 2025"],
])("calls %s by its name in %s", (day, language, name) => {
  expect(dayName(day, now, language)).toBe(name);
});

it.each([
  [new Date(2026, 10, 26, 9, 5), "vi", "09:05"],
  [new Date(2026, 10, 25, 23, 59), "vi", "25 thg 11, 23:59"],
  [new Date(2025, 10, 26, 9, 5), "en", "Nov 26, 2025, 9:05 AM"],
])("writes %s in short in %s", (at, language, words) => {
  expect(shortTime(at, now, language).replace("\u202f", " ")).toBe(words);
});
