/** What stands before the title of the page, whatever page it is, and which sign it bears. */

const ICONS = { none: "/icon.svg", news: "/icon-news.svg" };

let before = "";

/** Calls that were missed, and who is calling. */
export function showInTitle(missed: number, ringing: string): void {
  const bare = document.title.startsWith(before) ? document.title.slice(before.length) : document.title;
  before = ringing ? `${ringing} · ` : missed > 0 ? `(${missed}) ` : "";
  document.title = before + bare;
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const wanted = ringing || missed > 0 ? ICONS.news : ICONS.none;
  if (icon && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  if ("setAppBadge" in navigator) {
    void (missed > 0 ? navigator.setAppBadge(missed) : navigator.clearAppBadge()).catch(() => undefined);
  }
}
