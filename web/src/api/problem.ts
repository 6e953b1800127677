import i18next from "i18next";

/** A refusal by RFC 9457, as the API gives it. */
export interface ProblemDetails {
  status: number;
  code: string;
  detail: string;
  remedy?: string;
  errors?: { field: string; detail: string }[];
  /** What it is in use by. */
  places?: string[];
}

/** What went wrong, in words that can be shown. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string;
  /** What is wrong with each field, by its name. */
  readonly fields: Record<string, string>;

  constructor(details: ProblemDetails) {
    const known = `problem:${details.code}`;
    const own = i18next.exists(known) ? i18next.t(known, { places: details.places?.join(", ") }) : undefined;
    super(own ?? details.detail);
    this.status = details.status;
    this.code = details.code;
    this.remedy = own === undefined ? (details.remedy ?? "") : "";
    this.fields = Object.fromEntries(
      (details.errors ?? []).map(({ field, detail }) => [field.replace(/^\//, ""), own ?? detail]),
    );
  }

  /** What to show where no field is at hand. */
  get words(): string {
    return [this.message, this.remedy].filter(Boolean).join(" ");
  }
}

/** Whether it would be refused again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500;
}

const LONGEST_PAUSE_MS = 5_000;

/** How long to wait before what was no refusal is asked again, after so many times. */
export function retryPause(count: number): number {
  return Math.min(500 * 2 ** count, LONGEST_PAUSE_MS);
}

/** What every browser throws when a script that a page needs could not be fetched. */
const SCRIPT_LOST = /dynamically imported module|importing a module script/i;

/** What it means that something did not come over the network. */
export function lost(thrown: unknown): Problem {
  return new Problem({ status: 0, code: "no_network", detail: String(thrown) });
}

/** The problem that anything thrown means: what no request has thrown is a fault of ours. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TypeError && SCRIPT_LOST.test(thrown.message)) return lost(thrown);
  return new Problem({ status: 0, code: "fault", detail: String(thrown) });
}
