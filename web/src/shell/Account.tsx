import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Face } from "@/shell/Face";
import { useMe } from "@/shell/me";

/** Who is signed in. */
export function Account() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <>
      <Face name={me.name} size={36} />
      <div className="visible-wide">
        <Text size="sm" fw={550} truncate>
          {me.name}
        </Text>
        <Text size="xs" c="dimmed">
          {t(`role.${me.role}`)}
        </Text>
      </div>
    </>
  );
}
