import { api, ask, type Schemas } from "@/api/client";
import type { Language } from "@/shell/i18n";

/** A sound as the body of a request. */
function asBody(sound: Blob) {
  return {
    body: sound as unknown as string,
    bodySerializer: (body: unknown) => body,
    headers: { "Content-Type": sound.type.startsWith("audio/") ? sound.type : "audio/wav" },
  };
}

/** A sound of the company's own, out of a file or a recording. */
export function uploadPrompt(tenant: string, name: string, sound: Blob): Promise<Schemas["Prompt"]> {
  return ask(
    api.POST("/api/v1/tenants/{tenant}/prompts/upload", {
      params: { path: { tenant }, query: { name: name.slice(0, 100) } },
      ...asBody(sound),
    } as never),
  ) as Promise<Schemas["Prompt"]>;
}

/** The greeting of a mailbox, out of a file or a recording. */
export function uploadGreeting(tenant: string, mailbox: string, sound: Blob): Promise<unknown> {
  return ask(
    api.PUT("/api/v1/tenants/{tenant}/mailboxes/{mailbox}/greeting/sound", {
      params: { path: { tenant, mailbox } },
      ...asBody(sound),
    } as never),
  );
}

/** Words as a voice says them. */
export async function speech(tenant: string, text: string, language: Language): Promise<Blob> {
  return (await ask(
    api.POST("/api/v1/tenants/{tenant}/speech", {
      params: { path: { tenant } },
      body: { text, language },
      parseAs: "blob",
    }),
  )) as unknown as Blob;
}
