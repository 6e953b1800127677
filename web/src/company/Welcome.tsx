import { Select, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Menu, useMenu, useMenus } from "@/company/data";
import { Greeting } from "@/company/Greeting";
import { MenuKeys } from "@/company/MenuKeys";
import { CallNow } from "@/company/parts";
import { titled } from "@/company/TargetSelect";
import { useSettings } from "@/parts/data";
import { Hears } from "@/parts/parts";
import { Awaited, Empty } from "@/shell/Messages";

/** What callers of the company hear first, and where they go from there. */
export function Welcome() {
  const { t } = useTranslation("company");
  const menus = useMenus();
  const main = useSettings().data?.main_number;
  const [chosen, setChosen] = useState<string | null>(null);
  const list = menus.data?.items ?? [];
  const first = list.find((x) => x.numbers.includes(main ?? "")) ?? list[0];
  const menu = useMenu(chosen ?? first?.id);
  if (!menus.data) return <Awaited query={menus} />;
  if (list.length === 0) return <Empty title={t("menu.none")} text={t("menu.noneText")} />;
  if (!menu.data) return <Awaited query={menu} />;
  return (
    <div className="part-two">
      <div className="part-stack" key={menu.data.id}>
        {list.length > 1 && (
          <Select
            label={t("greeting.menu")}
            data={list.map((x) => ({ value: x.id, label: x.name }))}
            value={menu.data.id}
            allowDeselect={false}
            onChange={setChosen}
          />
        )}
        <Greeting menu={menu.data} />
        <MenuKeys menu={menu.data} />
      </div>
      <WhatIsHeard menu={menu.data} />
    </div>
  );
}

function WhatIsHeard({ menu }: { menu: Menu }) {
  const { t } = useTranslation("company");
  const named = titled(menu.otherwise, t);
  return (
    <Hears action={menu.extension && <CallNow to={menu.extension} name={menu.name} />}>
      {menu.greeting && (
        <Text size="sm" className="part-said">
          {menu.greeting.text ? t("hears.greeting", { text: menu.greeting.text }) : t("hears.ownGreeting")}
        </Text>
      )}
      {menu.keys
        .filter((x) => x.label)
        .map((x) => (
          <Text key={x.key} size="sm" className="part-said">
            {t("hears.press", { label: x.label, key: x.key })}
          </Text>
        ))}
      <Text size="sm" className="quiet" mt={4}>
        {t("hears.nothing", { seconds: menu.timeout_seconds, name: named })}
      </Text>
    </Hears>
  );
}
