"""Lists of 10,000 in our pages: what the API would say of them, and a scroll from the first to the last row.

python -m tests.interop.long_lists     # starts a demo; prints rows in the page, and tasks over 50 ms
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec
from tests.interop.demo import Demo
from tests.interop.phones.browser import MICROPHONE, Chromium, Process
from tests.interop.phones.webpage import WebPage

from tongdai.app.demo.secrets import FIXED_PASSWORDS

MANY = 10_000
ADMIN = "admin@anphat.demo"


class LongList(NamedTuple):
    """Where it is, what scrolls, what a row is, and what is clicked to see it (selectors)."""

    path: str
    scroller: str
    row: str
    click: str = ""
    most: int = MANY


LISTS = {
    "people": LongList("/company#people", ".company-list", ".company-person"),
    "call log": LongList("/calls", ".main", ".history-row"),
    "recent": LongList("/phone", ".main", ".recentCall", "[role=tab][id$='-tab-recent']"),
    "directory": LongList("/phone", ".main", ".whom .row", most=50),
}

ANSWERS = """
{
  const MANY = $many;
  const people = Array.from({ length: MANY }, (_, n) => ({ id: `person_${n}`, name: `Person ${n}`,
    extension: String(10000 + n), email: `p${n}@anphat.demo`, role: "employee", can_sign_in: true }));
  const calls = Array.from({ length: MANY }, (_, n) => ({ id: `call_${n}`,
    direction: ["in", "out", "internal"][n % 3], caller: "101", caller_name: `Person ${n}`,
    dialled: "102", answered_by: "102", path: ["Main menu", "Sales"], seconds: n % 300,
    started: new Date(Date.now() - n * 600000).toISOString(), missed: n % 5 === 0,
    disposition: n % 5 ? "answered" : "missed" }));
  const page = (all, url) => {
    const [from, limit] = ["cursor", "limit"].map((name) => Number(url.searchParams.get(name) ?? 0));
    const end = from + limit;
    return { items: all.slice(from, end), next: end < all.length ? String(end) : null };
  };
  const asked = window.fetch;
  window.fetch = (what, how) => {
    const url = new URL(what.url ?? what, location.href);
    const name = /[/]tenants[/][^/]+[/](people|call-log)$/.exec(url.pathname)?.[1];
    const all = { people, "call-log": calls }[name];
    return all ? Promise.resolve(Response.json(page(all, url))) : asked(what, how);
  };
  window.long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => Math.round(one.duration))))
    .observe({ entryTypes: ["longtask"] });
}
"""
"""The pages are given these instead of what the server has; everything else is asked of it."""

SCROLL = """
window.scrolled = undefined;
(async () => {
  const scroller = document.querySelector(%(scroller)s);
  const frame = () => new Promise(requestAnimationFrame);
  long.length = 0;
  let rows = 0, still = 0, height = 0;
  while (still < 60) {
    scroller.scrollTop += %(step)s;
    await frame();
    rows = Math.max(rows, document.querySelectorAll(%(row)s).length);
    const end = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2;
    still = end && scroller.scrollHeight === height ? still + 1 : 0;
    height = scroller.scrollHeight;
  }
  const last = [...document.querySelectorAll(%(row)s)].at(-1)?.innerText;
  window.scrolled = { rows, long: [...long], last, height };
})();
0
"""


class Scrolled(msgspec.Struct):
    """The most rows that were in the page at once; the tasks over 50 ms (milliseconds); the last row's words,
    and how high the list was (CSS pixels)."""

    rows: int
    long: list[int]
    last: str
    height: int


async def scrolled(
    browser: Chromium,
    demo: Demo,
    which: LongList,
    size: tuple[int, int],
    step: int = 600,
    *,
    many: int = MANY,
) -> Scrolled:
    """Scroll through it, `step` CSS pixels a frame, when the company has so many people and calls."""
    login = ADMIN, FIXED_PASSWORDS[ADMIN]
    url, before = demo.facts.http + which.path, ANSWERS.replace("$many", str(many))
    page = await WebPage.open(browser, url, login=login, size=size, before=before)
    if which.click:
        await page.click("", which.click)
    await page.until(f"document.querySelector({msgspec.json.encode(which.row).decode()}) !== null")
    await page.eval("new Promise((later) => setTimeout(() => later(true), 2000))")
    names = {"scroller": which.scroller, "row": which.row, "step": step}
    await page.eval(SCROLL % {x: msgspec.json.encode(y).decode() for x, y in names.items()})
    await page.until("window.scrolled", "it does not come to its end", within=300)
    found = msgspec.convert(await page.eval("scrolled"), Scrolled)
    await page.close()
    return found


async def measure(demo: Demo, process: Process) -> None:
    async with process.open() as browser:
        for name, which in LISTS.items():
            found = await scrolled(browser, demo, which, (1280, 800))
            print(f"{name}: {found.rows} rows at most, tasks over 50 ms: {found.long or 'none'}")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        process = Process(Path(place), MICROPHONE)
        try:
            with Demo(Path(place) / "demo") as demo:
                asyncio.run(measure(demo.start(), process))
        finally:
            process.close()


if __name__ == "__main__":
    main()
