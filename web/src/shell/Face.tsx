import { Avatar } from "@mantine/core";
import { IconPhone } from "@tabler/icons-react";

/** Who it is, as two letters; a number has none. */
export function Face({ name, size, className = "" }: { name: string; size: number; className?: string }) {
  const look = `face ${className}`;
  return name ? (
    <Avatar name={name} size={size} className={look} />
  ) : (
    <Avatar size={size} className={look}>
      <IconPhone size={size / 2.2} stroke={1.7} />
    </Avatar>
  );
}
