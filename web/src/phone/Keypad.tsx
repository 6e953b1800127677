import { UnstyledButton } from "@mantine/core";
import { playKey } from "@/phone/sound";

const KEYS: [string, string][] = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];

/** Twelve keys with their tones. */
export function Keypad({ onPress }: { onPress: (key: string) => void }) {
  return (
    <div className="keypad">
      {KEYS.map(([key, letters]) => (
        <UnstyledButton
          key={key}
          aria-label={key}
          onClick={() => {
            playKey(key);
            onPress(key);
          }}
        >
          <b>{key}</b>
          <span aria-hidden>{letters}</span>
        </UnstyledButton>
      ))}
    </div>
  );
}
