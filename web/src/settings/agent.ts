const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/coc_coc_browser/, "Cốc Cốc"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrom(e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

const first = (known: [RegExp, string][], agent: string) => known.find(([sign]) => sign.test(agent))?.[1];

/** Which browser on which machine that is, as people call it; its first word where it is none that we know. */
export function agentName(agent: string): string {
  const browser = first(BROWSERS, agent) ?? agent.split(/[/ ]/, 1)[0] ?? "";
  return [browser, first(SYSTEMS, agent)].filter(Boolean).join(" · ");
}
