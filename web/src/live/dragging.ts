import { useEffect, useState } from "react";

/** Whether a call is being dragged, and a way to say so.
 *
 * A card whose call comes into another group meanwhile is another card, and nobody is told the end of its
 * drag. But while something is dragged the pointer moves for no page: when it does, that is over. */
export function useDragging(): [boolean, (dragging: boolean) => void] {
  const [dragging, setDragging] = useState(false);
  useEffect(() => {
    if (!dragging) return;
    const end = () => setDragging(false);
    window.addEventListener("pointermove", end);
    return () => window.removeEventListener("pointermove", end);
  }, [dragging]);
  return [dragging, setDragging];
}
