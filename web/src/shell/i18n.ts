import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import problems from "@/shell/problems.json";
import { en, vi } from "@/shell/words";

export const LANGUAGES = { en: "English", vi: "Tiếng Việt" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "tongdai.language";

function preferred(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "vi") return kept;
  return navigator.language.startsWith("vi") ? "vi" : "en";
}

/** Begin to speak the language of whoever looks. Problems are told by the API's code; what has no words here is told as the API says it,
 * in English. Those that there can be at once have words at once. */
export function startSpeaking(): void {
  const lng = preferred();
  document.documentElement.lang = lng;
  void i18next.use(initReactI18next).init({
    lng,
    fallbackLng: "en",
    resources: { en: { shell: en, problem: problems.en }, vi: { shell: vi, problem: problems.vi } },
    defaultNS: "shell",
    interpolation: { escapeValue: false }, // React does
  });
  addProblems(lng);
}

function addProblems(language: Language): void {
  if (language !== "vi") return;
  void import("@/shell/problems.vi.json").then(
    (words) => i18next.addResourceBundle("vi", "problem", words.default, true),
    () => undefined, // told in English then
  );
}

export function speak(language: Language): void {
  localStorage.setItem(KEPT, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
  addProblems(language);
}

/** The words of a page, which come with it: `vi` is typed as `en`, so that none is forgotten. */
export function addWords<T extends object>(namespace: string, words: { en: T; vi: T }): void {
  i18next.addResourceBundle("en", namespace, words.en);
  i18next.addResourceBundle("vi", namespace, words.vi);
}
