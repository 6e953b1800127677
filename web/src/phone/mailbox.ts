import { useQuery } from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import { useMe, useTenant } from "@/shell/me";

/** One's own messages, the newest first. */
export function useMailbox() {
  const tenant = useTenant();
  const mailbox = useMe().person ?? "";
  return useQuery({
    queryKey: ["mailbox", tenant, mailbox],
    queryFn: async () => {
      const path = { tenant, mailbox };
      const found = await ask(
        api.GET("/api/v1/tenants/{tenant}/mailboxes/{mailbox}/messages", { params: { path } }),
      );
      return found.toReversed();
    },
  });
}
