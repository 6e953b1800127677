import { ActionIcon, Group } from "@mantine/core";
import { IconLogout } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Account } from "@/shell/Account";
import { useSignOut } from "@/shell/me";

/** Comes after the phone works: it is nothing to wait for. */
const AccountMenu = lazy(async () => {
  try {
    return { default: (await import("@/shell/AccountMenu")).AccountMenu };
  } catch {
    return { default: WayOut };
  }
});

/** Who is signed in, and what is his to choose here. */
export function AccountCorner() {
  return (
    <Suspense
      fallback={
        <div className="offer">
          <Account />
        </div>
      }
    >
      <AccountMenu />
    </Suspense>
  );
}

/** Where the menu did not come: nobody has to stay signed in for that. */
function WayOut() {
  const { t } = useTranslation();
  const signOut = useSignOut();
  const name = t("menu.signOut");
  return (
    <Group className="offer" w="auto" wrap="nowrap">
      <Account />
      <ActionIcon variant="subtle" color="gray" size={36} title={name} aria-label={name} onClick={signOut}>
        <IconLogout size={19} stroke={1.7} />
      </ActionIcon>
    </Group>
  );
}
