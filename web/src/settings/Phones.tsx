import { Text } from "@mantine/core";
import { IconBrowser, IconDeviceLandlinePhone } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { Section } from "@/parts/parts";
import { Awaited } from "@/shell/Messages";
import { useMe, useTenant } from "@/shell/me";

/** What rings when one is called. */
export function Phones() {
  const { t } = useTranslation("settings");
  const tenant = useTenant();
  const me = useMe();
  const person = me.person ?? "";
  const list = useQuery({
    // of presence: which of them are on
    queryKey: ["presence", tenant, "devices", person],
    queryFn: () =>
      ask(
        api.GET("/api/v1/tenants/{tenant}/people/{person}/devices", { params: { path: { tenant, person } } }),
      ),
  });
  const data = list.data;
  if (!data) return <Awaited query={list} />;
  // a browser that is closed is no telephone any more
  const phones = data.filter((device) => !device.browser || device.registered);
  return (
    <div className="part-stack">
      <Section title={t("phones.title")} lead={t("phones.lead")}>
        {phones.length === 0 && <Text size="sm">{t("phones.none")}</Text>}
        <ul className="settings-list">
          {phones.map((device) => {
            const Icon = device.browser ? IconBrowser : IconDeviceLandlinePhone;
            return (
              <li key={device.id}>
                <Icon size={24} stroke={1.5} aria-hidden />
                <div className="settings-what">
                  <Text size="sm" fw={560}>
                    {t(device.browser ? "phones.browser" : "phones.desk")}
                  </Text>
                  <Text size="xs" className="quiet" truncate>
                    {device.username}
                  </Text>
                </div>
                <span
                  className="presence-dot"
                  data-state={device.registered ? "available" : undefined}
                  aria-hidden
                />
                <Text size="sm">{t(device.registered ? "phones.on" : "phones.off")}</Text>
              </li>
            );
          })}
        </ul>
        <Text size="sm" className="quiet" mt="sm">
          {t(me.role === "administrator" ? "phones.add" : "phones.ask")}
        </Text>
        <Text size="sm" className="quiet" mt={4}>
          <Link to="/phone">{t("phones.sound")}</Link> {t("phones.soundText")}
        </Text>
      </Section>
    </div>
  );
}
