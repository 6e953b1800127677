import { Button, createTheme, type MantineColorsTuple, Paper, TextInput } from "@mantine/core";

/** Jade: calm on white, alive on black. */
const jade: MantineColorsTuple = [
  "#ecfaf6",
  "#d3f2ea",
  "#a6e4d4",
  "#73d3bb",
  "#45bfa2",
  "#22a68a",
  "#108772",
  "#0f6f60",
  "#10584d",
  "#0c463e",
];

/** Greys with a breath of the same green, so that nothing looks dirty beside it. */
const gray: MantineColorsTuple = [
  "#f7f9f8",
  "#f0f3f2",
  "#e4e9e7",
  "#d3dad7",
  "#b3bdb9",
  "#8c9994",
  "#616e69",
  "#47534f",
  "#2f3936",
  "#1c2422",
];

const dark: MantineColorsTuple = [
  "#dbe4e1",
  "#b7c4c0",
  "#94a39e",
  "#6d7d78",
  "#3d4a46",
  "#2b3633",
  "#1f2927",
  "#161e1c",
  "#101715",
  "#0b100f",
];

export const theme = createTheme({
  colors: { jade, gray, dark },
  primaryColor: "jade",
  primaryShade: 7,
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  headings: { fontFamily: '"Inter Variable", system-ui, sans-serif', fontWeight: "620" },
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  components: {
    Button: Button.extend({ defaultProps: { size: "md" } }),
    TextInput: TextInput.extend({ defaultProps: { size: "md" } }),
    Paper: Paper.extend({ defaultProps: { radius: "lg" } }),
    SegmentedControl: { defaultProps: { withItemsBorders: false } },
  },
});
