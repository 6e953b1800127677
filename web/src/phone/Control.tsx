import { UnstyledButton } from "@mantine/core";
import type { ComponentType } from "react";

interface Props {
  icon: ComponentType<{ size?: number; stroke?: number }>;
  label: string;
  on?: boolean;
  onClick(): void;
}

/** A round button with a word under it. */
export function Control({ icon: Icon, label, on, onClick }: Props) {
  return (
    <UnstyledButton className="control" aria-pressed={on} onClick={onClick}>
      <span>
        <Icon size={22} stroke={1.7} />
      </span>
      {label}
    </UnstyledButton>
  );
}
