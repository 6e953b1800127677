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

/** The problem that a failed request or anything else thrown means. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const lost = thrown instanceof TypeError; // what fetch throws without a network
  return new Problem({ status: 0, code: lost ? "no_network" : "fault", detail: String(thrown) });
}
