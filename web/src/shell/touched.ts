const SIGNS = ["pointermove", "pointerdown", "keydown"];

/** Hear of every sign that somebody is there at the page. */
export function whenTouched(listener: () => void): () => void {
  for (const sign of SIGNS) addEventListener(sign, listener);
  return () => {
    for (const sign of SIGNS) removeEventListener(sign, listener);
  };
}
