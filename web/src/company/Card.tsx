import { Text, UnstyledButton } from "@mantine/core";
import type { ReactNode } from "react";

/** Something of the company that can be opened and changed. */
export function Card({
  icon,
  title,
  extension,
  text,
  children,
  onOpen,
}: {
  icon: ReactNode;
  title: string;
  extension: string | null;
  text: string;
  children?: ReactNode;
  onOpen(): void;
}) {
  return (
    <UnstyledButton className="card company-card" onClick={onOpen}>
      <span className="company-icon" aria-hidden>
        {icon}
      </span>
      <span className="company-name">
        <Text component="span" fw={600}>
          {title}
        </Text>
        <Text component="span" size="sm">
          {text}
        </Text>
        {children}
      </span>
      <Text component="span" className="numbers quiet">
        {extension}
      </Text>
    </UnstyledButton>
  );
}
