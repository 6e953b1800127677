import {
  Alert,
  Button,
  Divider,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Brand } from "@/shell/Brand";
import { Face } from "@/shell/Face";
import { useOffers } from "@/shell/me";

/** Who are you? */
export function SignIn() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const offers = useOffers();
  const entering = useMutation({
    mutationFn: (body: { email: string; password: string }) => ask(api.POST("/api/v1/sign-in", { body })),
    onSuccess: (me) => queries.setQueryData(["me"], me),
  });
  const enter = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate({ email, password });
  };
  return (
    <div className="entrance">
      <section className="pitch">
        <Brand />
        <div>
          <h2>{t("signIn.pitch")}</h2>
          <p>{t("signIn.pitchMore")}</p>
        </div>
      </section>
      <main className="door">
        <div>
          <Title order={1} size="h2" mb={4}>
            {t("signIn.title")}
          </Title>
          <Text c="dimmed" mb="lg">
            {t("signIn.lead")}
          </Text>
          <form onSubmit={enter}>
            <Stack gap="sm">
              <TextInput
                label={t("signIn.email")}
                type="email"
                autoComplete="username"
                required
                withAsterisk={false}
                value={email}
                onChange={(event) => setEmail(event.currentTarget.value)}
              />
              <PasswordInput
                label={t("signIn.password")}
                autoComplete="current-password"
                size="md"
                required
                withAsterisk={false}
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
              {entering.isError && (
                <Alert color="red" variant="light" role="alert">
                  {asProblem(entering.error).words}
                </Alert>
              )}
              <Button type="submit" loading={entering.isPending} mt={4}>
                {t("signIn.submit")}
              </Button>
            </Stack>
          </form>
          {!!offers.data?.length && (
            <>
              <Divider my="lg" label={t("signIn.demo")} />
              <Stack gap={0} mx={-12}>
                {offers.data.map((offer) => (
                  <UnstyledButton
                    key={offer.email}
                    className="offer"
                    onClick={() => entering.mutate({ email: offer.email, password: offer.password })}
                  >
                    <Face name={offer.name} size={36} />
                    <div style={{ flex: 1 }}>
                      <Text size="sm" fw={550}>
                        {offer.name}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {[offer.company, offer.does].filter(Boolean).join(" · ")}
                      </Text>
                    </div>
                    <IconChevronRight size={17} />
                  </UnstyledButton>
                ))}
              </Stack>
              <Text size="xs" c="dimmed" mt="sm">
                {t("signIn.demoNote")}
              </Text>
            </>
          )}
        </div>
      </main>
    </div>
  );
}
