import { Button, Group, Text, TextInput } from "@mantine/core";
import { IconMessages, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask, once } from "@/api/client";
import { Card } from "@/company/Card";
import { type Room, useRooms } from "@/company/data";
import { CallNow, Delete, ExtensionField, NameField } from "@/company/parts";
import { useRefresh } from "@/parts/data";
import { Editor, Hears } from "@/parts/parts";
import { Awaited, Empty } from "@/shell/Messages";
import { useTenant } from "@/shell/me";

/** Where people meet on the telephone. */
export function Rooms() {
  const { t } = useTranslation("company");
  const list = useRooms();
  const [edited, setEdited] = useState<Room | "new" | null>(null);
  if (!list.data) return <Awaited query={list} />;
  return (
    <>
      <Group justify="flex-end" mb="md">
        <Button leftSection={<IconPlus size={17} />} onClick={() => setEdited("new")}>
          {t("rooms.add")}
        </Button>
      </Group>
      {list.data?.items.length === 0 && <Empty title={t("rooms.none")} text={t("rooms.noneText")} />}
      <div className="company-cards">
        {list.data?.items.map((room) => (
          <Card
            key={room.id}
            icon={<IconMessages size={22} stroke={1.6} />}
            title={room.name}
            extension={room.extension}
            text={room.pin ? `${t("rooms.pin")} ${room.pin}` : t("hears.roomClosed")}
            onOpen={() => setEdited(room)}
          />
        ))}
      </div>
      {edited && <One room={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function One({ room, onClose }: { room: Room | null; onClose(): void }) {
  const { t } = useTranslation("company");
  const tenant = useTenant();
  const refresh = useRefresh();
  const [name, setName] = useState(room?.name ?? "");
  const [extension, setExtension] = useState(room?.extension ?? "");
  const [pin, setPin] = useState(room?.pin ?? "");
  async function save() {
    const body = { name: name.trim(), extension, pin: pin || null, tones: room?.tones ?? true };
    await (room === null
      ? ask(
          api.POST("/api/v1/tenants/{tenant}/rooms", { params: { path: { tenant }, header: once() }, body }),
        )
      : ask(
          api.PATCH("/api/v1/tenants/{tenant}/rooms/{room}", {
            params: { path: { tenant, room: room.id } },
            body,
          }),
        ));
    await refresh("room");
  }
  async function remove(gone: string) {
    const path = { tenant, room: gone };
    await ask(api.DELETE("/api/v1/tenants/{tenant}/rooms/{room}", { params: { path } }));
    await refresh("room");
  }
  return (
    <Editor
      title={room?.name ?? t("rooms.add")}
      save={save}
      onClose={onClose}
      more={
        <div className="part-more">
          <Hears action={room?.extension && <CallNow to={room.extension} name={room.name} />}>
            <Text size="sm">{t("hears.room", { extension })}</Text>
            <Text size="sm">{pin ? t("hears.roomPin", { pin }) : t("hears.roomClosed")}</Text>
          </Hears>
          {room && (
            <Delete
              words={t("rooms.deleteSure", { name: room.name })}
              act={() => remove(room.id)}
              onGone={onClose}
            />
          )}
        </div>
      }
    >
      <NameField value={name} onChange={setName} />
      <ExtensionField required value={extension} onChange={setExtension} />
      <TextInput
        label={t("rooms.pin")}
        description={t("rooms.pinHelp")}
        inputMode="numeric"
        value={pin}
        onChange={(event) => setPin(event.currentTarget.value)}
      />
    </Editor>
  );
}
