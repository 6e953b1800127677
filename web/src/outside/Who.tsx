import { Menu, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconChevronDown } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask, type Me, type Schemas } from "@/api/client";
import { closeOwnLine } from "@/phone/store";
import { Face } from "@/shell/Face";
import { BECOMING, useOffers } from "@/shell/me";
import { router } from "@/shell/router";

/** Be somebody else, without leaving the page: the phone outside stays as it is. */
export function useBecome() {
  const queries = useQueryClient();
  return useMutation({
    mutationKey: BECOMING,
    mutationFn: async ({ email, password }: Schemas["Offer"]) => {
      closeOwnLine();
      await ask(api.POST("/api/v1/sign-out")).catch(() => undefined);
      return ask(api.POST("/api/v1/sign-in", { body: { email, password } }));
    },
    onSuccess: async (me) => {
      await queries.cancelQueries({ queryKey: ["me"] });
      await router.navigate({ to: "/phone" });
      const stays = ["me", "offers", "outside"];
      queries.removeQueries({ predicate: ({ queryKey }) => !stays.includes(String(queryKey[0])) });
      queries.setQueryData(["me"], me);
    },
    onError: () => queries.invalidateQueries({ queryKey: ["me"] }),
  });
}

/** Who one is in the company, and who one could be. */
export function Who({ me }: { me: Me }) {
  const { t } = useTranslation("outside");
  const offers = useOffers().data ?? [];
  const become = useBecome();
  if (offers.length === 0) return null;
  return (
    <Menu position="bottom-end" width={270} withinPortal>
      <Menu.Target>
        <UnstyledButton className="split-who" data-tour="who">
          <Face name={me.name} size={28} />
          <Text size="sm" fw={550} truncate>
            {t("you", { name: me.name })}
          </Text>
          <IconChevronDown size={15} stroke={1.8} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("beSomebody")}</Menu.Label>
        {offers.map((offer) => (
          <Menu.Item
            key={offer.email}
            leftSection={<Face name={offer.name} size={30} />}
            rightSection={offer.email === me.email && <IconCheck size={16} />}
            disabled={become.isPending}
            onClick={() => offer.email !== me.email && become.mutate(offer)}
          >
            {offer.name}
            {offer.does && (
              <Text span size="xs" c="dimmed" display="block">
                {offer.does}
              </Text>
            )}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
