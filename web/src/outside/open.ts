/** The address that shows the world outside beside the company: what `make run` prints. */
export const OUTSIDE = "/outside";

const KEPT = "tongdai.outside";

/** Whether the world outside stands beside this page: its address was opened in this tab. */
export function isOutsideOpen(): boolean {
  if (location.pathname === OUTSIDE) sessionStorage.setItem(KEPT, "open");
  return sessionStorage.getItem(KEPT) !== null;
}

/** Only the company, from now on. */
export function leaveOutside(): void {
  sessionStorage.removeItem(KEPT);
  location.assign("/");
}
