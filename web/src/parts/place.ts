import "@/parts/words";
import i18next from "i18next";

const OWN: Record<string, string> = {
  "click to call": "asked",
  directory: "directory",
  "echo test": "echo",
  music: "music",
  voicemail: "voicemail",
};

/** Where a call went: by the name that people gave it, or what the switchboard's own places are called. */
export function place(label: string): string {
  const own = OWN[label];
  return own === undefined ? label : i18next.t(`parts:places.${own}`);
}
