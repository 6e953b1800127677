import { ActionIcon, Avatar, Group, Menu, Text, UnstyledButton } from "@mantine/core";
import {
  IconArrowRight,
  IconDots,
  IconHandMove,
  IconListDetails,
  IconParking,
  IconPhoneIncoming,
  IconPhoneOff,
  IconPlayerPause,
  IconPlayerPlay,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Call } from "@/api/client";
import type { Acts } from "@/live/acts";
import { nameOf, others } from "@/live/calls";
import { Since } from "@/live/Since";
import { number } from "@/parts/number";
import { place } from "@/parts/place";
import { useMe } from "@/shell/me";

interface Props {
  call: Call;
  acts: Acts;
  /** Whether its menu is open: known above, since a call that comes into another group is another card. */
  open: boolean;
  onOpen(open: boolean): void;
  onDetails(call: Call): void;
  onMove(call: Call): void;
  onDrag(dragging: boolean): void;
}

/** A call: who, with whom, since when. It can be dragged, and its menu does the same by keyboard. */
export function CallCard({ call, onDrag, ...menu }: Props) {
  const { onDetails } = menu;
  const { t } = useTranslation("live");
  const who = nameOf(call.caller, t("withheld"));
  const detail = call.caller.name ? number(call.caller.number) : t("dialled", { to: number(call.dialled) });
  const withWhom = others(call).map((leg) => nameOf(leg.party, t("withheld")));
  const where = withWhom.length > 0 ? withWhom.join(", ") : place(call.place);
  return (
    <li
      className="live-call"
      data-state={call.state}
      draggable
      onDragStart={(event) => {
        event.dataTransfer.setData("text/plain", call.id);
        event.dataTransfer.effectAllowed = "move";
        onDrag(true);
      }}
      onDragEnd={() => onDrag(false)}
    >
      <UnstyledButton className="live-open" onClick={() => onDetails(call)} title={t("what")}>
        <Avatar name={call.caller.name || undefined} color="jade" size={38} aria-hidden />
        <span className="live-who">
          <Text component="span" fw={600} size="sm" truncate>
            {who}
          </Text>
          <Text component="span" size="xs" className="quiet numbers" truncate>
            {detail}
          </Text>
        </span>
      </UnstyledButton>
      <CallMenu call={call} who={who} {...menu} />
      <Group className="live-where" gap={6} wrap="nowrap">
        <span className="live-dot" aria-hidden />
        <Text component="span" size="xs" fw={560} className="live-state">
          {t(`states.${call.state}`, { place: call.place })}
        </Text>
        {where && call.state !== "parked" && (
          <>
            <IconArrowRight size={13} stroke={1.8} aria-hidden />
            <Text component="span" size="xs" truncate>
              {where}
            </Text>
          </>
        )}
        {call.legs
          .filter((leg) => leg.silent)
          .map((leg) => (
            <Text component="span" size="xs" fw={560} className="live-unheard" key={leg.id}>
              {t("silent", { who: nameOf(leg.party, t("withheld")) })}
            </Text>
          ))}
        <Text component="span" size="xs" className="quiet live-since">
          <Since at={call.started} />
        </Text>
      </Group>
    </li>
  );
}

function CallMenu({
  call,
  who,
  acts,
  open,
  onOpen,
  onDetails,
  onMove,
}: Omit<Props, "onDrag"> & { who: string }) {
  const { t } = useTranslation("live");
  const me = useMe();
  const held = call.state === "held";
  const connected = held || call.state === "talking";
  const icon = { size: 17, stroke: 1.7 };
  return (
    <Menu position="bottom-end" width={220} withinPortal opened={open} onChange={onOpen}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("actions", { who })}>
          <IconDots size={19} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconHandMove {...icon} />} onClick={() => onMove(call)}>
          {t("move")}
        </Menu.Item>
        {me.person !== null && (
          <Menu.Item leftSection={<IconPhoneIncoming {...icon} />} onClick={() => acts.take(call)}>
            {t("take")}
          </Menu.Item>
        )}
        {connected && (
          <Menu.Item
            leftSection={held ? <IconPlayerPlay {...icon} /> : <IconPlayerPause {...icon} />}
            onClick={() => acts.hold(call, !held)}
          >
            {t(held ? "resume" : "hold")}
          </Menu.Item>
        )}
        {call.state !== "parked" && (
          <Menu.Item leftSection={<IconParking {...icon} />} onClick={() => acts.park(call)}>
            {t("park")}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconListDetails {...icon} />} onClick={() => onDetails(call)}>
          {t("what")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          className="danger"
          leftSection={<IconPhoneOff {...icon} />}
          onClick={() => acts.hangUp(call)}
        >
          {t("hangUp")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
