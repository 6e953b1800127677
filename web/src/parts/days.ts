const DAY_MS = 86_400_000;

/** `Today`, `Yesterday`, `Monday, 23 November`: what a day is called. */
export function dayName(day: Date, now: Date, language: string): string {
  const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  const days = Math.round((midnight(day) - midnight(now)) / DAY_MS);
  if (days === 0 || days === -1) {
    const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
    return words.charAt(0).toLocaleUpperCase(language) + words.slice(1);
  }
  return (day.getFullYear() === now.getFullYear() ? weekday : weekdayOfAnyYear)(day, language);
}

/** A formatter costs more than a row, so each language has one. */
function formatting(options: Intl.DateTimeFormatOptions): (at: Date, language: string) => string {
  const made = new Map<string, Intl.DateTimeFormat>();
  return (at, language) => {
    const one = made.get(language) ?? new Intl.DateTimeFormat(language, options);
    made.set(language, one);
    return one.format(at);
  };
}

const weekday = formatting({ weekday: "long", day: "numeric", month: "long" });
const weekdayOfAnyYear = formatting({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const dayOfThisYear = formatting({ day: "numeric", month: "short" });
const dayOfAnyYear = formatting({ day: "numeric", month: "short", year: "numeric" });

/** `09:41` */
export const timeOfDay = formatting({ timeStyle: "short" });

/** `26 Nov 2026, 09:41` */
export const dayAndTime = formatting({ dateStyle: "medium", timeStyle: "short" });

/** `09:41` of today, or `23 Nov, 09:41`. */
export function shortTime(at: Date, now: Date, language: string): string {
  if (at.toDateString() === now.toDateString()) return timeOfDay(at, language);
  const day = at.getFullYear() === now.getFullYear() ? dayOfThisYear : dayOfAnyYear;
  return `${day(at, language)}, ${timeOfDay(at, language)}`;
}
