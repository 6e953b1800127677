import "@fontsource-variable/inter/wght.css";
import "@mantine/core/styles.css";
import "@/shell/shell.css";
import { createRoot } from "react-dom/client";
import { App } from "@/shell/App";
import { startSpeaking } from "@/shell/i18n";
import { startWorker } from "@/shell/Version";

startSpeaking();
startWorker();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
