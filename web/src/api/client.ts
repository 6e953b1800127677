import i18next from "i18next";
import createClient from "openapi-fetch";
import { asProblem, lost, Problem, type ProblemDetails } from "@/api/problem";
import type { components, paths } from "@/api/schema";

/** `fetch`, with the whole answer: one that breaks off is no answer. Throws `Problem` without a connection. */
export async function overNetwork(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    const body = await answer.arrayBuffer();
    return new Response(body.byteLength > 0 ? body : null, answer);
  } catch (thrown) {
    throw lost(thrown);
  }
}

/** Our own API, typed from its OpenAPI. The session's cookie goes along by itself. */
export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin", fetch: overNetwork });

// what the API tells in words comes in the language of the pages, which need not be that of the browser
api.use({
  onRequest({ request }) {
    request.headers.set("Accept-Language", i18next.language);
  },
});

export type Schemas = components["schemas"];
export type Me = Schemas["Me"];
export type Person = Schemas["Person"];
export type Call = Schemas["Call"];

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the API answers. Throws `Problem`. */
export async function ask<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (thrown) {
    throw asProblem(thrown);
  }
  if (answer.response.ok) return answer.data as T;
  const said = answer.error as Partial<ProblemDetails> | undefined;
  throw new Problem({
    status: answer.response.status,
    code: said?.code ?? "fault",
    detail: said?.detail ?? answer.response.statusText,
    remedy: said?.remedy,
    errors: said?.errors,
    places: said?.places,
  });
}

/** A key under which a POST has its effect once, however often it is sent. */
export function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}
