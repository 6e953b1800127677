import { Button } from "@mantine/core";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { isBusy, whenBusyChanges } from "@/shell/busy";
import { useLineState } from "@/shell/Live";
import { whenTouched } from "@/shell/touched";
import { isOutdated, whatToDo } from "@/shell/version";

const HOUR_MS = 3_600_000;
const LOOK_MS = 5_000;

/** Learns that the server was upgraded, and loads the new pages when that disturbs nobody. */
export function Version() {
  const { t } = useTranslation();
  const [outdated, setOutdated] = useState(false);
  const busy = useSyncExternalStore(whenBusyChanges, isBusy);
  const touched = useRef(Date.now());
  const line = useLineState();
  const look = useCallback(() => void isOutdated().then((is) => is && setOutdated(true)), []);

  useEffect(() => {
    if (line === "open") look(); // also again, after an upgrade has cut it off
  }, [line, look]);
  useEffect(() => {
    const timer = setInterval(look, HOUR_MS);
    const missing = () => setOutdated(true);
    addEventListener("vite:preloadError", missing);
    return () => {
      clearInterval(timer);
      removeEventListener("vite:preloadError", missing);
    };
  }, [look]);
  useEffect(
    () =>
      whenTouched(() => {
        touched.current = Date.now();
      }),
    [],
  );
  useEffect(() => {
    if (!outdated) return;
    const decide = () => {
      const situation = { busy, hidden: document.hidden, idle: Date.now() - touched.current };
      if (whatToDo(situation) === "reload") location.reload();
    };
    decide();
    const timer = setInterval(decide, LOOK_MS);
    document.addEventListener("visibilitychange", decide);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", decide);
    };
  }, [outdated, busy]);

  if (!outdated) return null;
  return (
    <output className="lost news">
      {busy ? t("newVersion.later") : t("newVersion.text")}
      {!busy && (
        <Button size="compact-sm" variant="white" onClick={() => location.reload()}>
          {t("newVersion.load")}
        </Button>
      )}
    </output>
  );
}

/** The worker that keeps the shell (`public/worker.js`), once the page has what it needs itself. */
export function startWorker(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  const start = () =>
    setTimeout(() => void navigator.serviceWorker.register("/worker.js").catch(() => undefined), 1_500);
  if (document.readyState === "complete") start();
  else addEventListener("load", start, { once: true });
}
