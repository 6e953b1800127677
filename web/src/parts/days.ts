const DAY_MS = 86_400_000;

/** `Today`, `Yesterday`, `Monday, 23 November`: what a day is called. */
export function dayName(day: Date, now: Date, language: string): string {
  const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  const days = Math.round((midnight(day) - midnight(now)) / DAY_MS);
  if (days === 0 || days === -1) {
    const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
    return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
  }
  const year = day.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year }).format(
    day,
  );
}

/** `09:41` of today, or `23 Nov, 09:41`. */
export function shortTime(at: Date, now: Date, language: string): string {
  if (at.toDateString() === now.toDateString()) return timeOfDay(at, language);
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year }).format(at);
  return `${day}, ${timeOfDay(at, language)}`;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** `09:41`; a formatter costs more than a row, so each language has one. */
export function timeOfDay(at: Date, language: string): string {
  let clock = clocks.get(language);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
    clocks.set(language, clock);
  }
  return clock.format(at);
}
