import { Button, Group, Modal, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CallView } from "@/phone/call";
import type { Line } from "@/phone/line";
import { WhomTo } from "@/phone/WhomTo";

interface Props {
  line: Line;
  call: CallView;
  name: string;
  how: "transfer" | "add" | null;
  onClose(): void;
}

/** Transfer a call, at once or after asking; or call somebody beside it. */
export function PassOn({ line, call, name, how, onClose }: Props) {
  const { t } = useTranslation("phone");
  const [to, setTo] = useState<{ number: string; name: string } | null>(null);
  const close = () => {
    setTo(null);
    onClose();
  };
  const choose = (number: string, called: string) => {
    if (how === "transfer") {
      setTo({ number, name: called });
    } else {
      void line.call(number, called);
      close();
    }
  };
  return (
    <Modal
      opened={how !== null}
      onClose={close}
      title={how === "add" ? t("addTo") : t("transferTo", { name })}
      centered
      radius="lg"
      closeButtonProps={{ "aria-label": t("close", { ns: "shell" }) }}
    >
      {to === null ? (
        <>
          {how === "add" && (
            <Text c="dimmed" size="sm" mb="sm">
              {t("addHint", { name })}
            </Text>
          )}
          <WhomTo onChoose={choose} not={call.number} focus action={null} />
        </>
      ) : (
        <>
          <Text fw={600} size="lg">
            {to.name || to.number}
          </Text>
          {to.name && <Text c="dimmed">{to.number}</Text>}
          <Group grow mt="lg">
            <Button
              variant="light"
              onClick={() => {
                void line.call(to.number, to.name);
                close();
              }}
            >
              {t("askFirst")}
            </Button>
            <Button
              data-autofocus
              onClick={() => {
                line.find(call.id)?.transfer(to.number);
                close();
              }}
            >
              {t("transferNow")}
            </Button>
          </Group>
        </>
      )}
    </Modal>
  );
}
