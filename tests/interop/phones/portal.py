"""Our own pages in a real Chromium, as somebody who is signed in sees them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from tests.interop.demo import Demo
from tests.interop.phones.browser import AXE, Chromium, Failed


class Portal:
    """One page. Selectors are CSS; what is waited for may take `within` seconds."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    @classmethod
    async def open(cls, browser: Chromium, demo: Demo, path: str, email: str, password: str) -> Portal:
        """The page at `path`, in English, of whoever has this login."""
        http = json.loads((demo.directory / "demo.json").read_text())["http"]
        async with httpx.AsyncClient(base_url=http, timeout=20) as client:
            answer = await client.post("/api/v1/sign-in", json={"email": email, "password": password})
            assert answer.status_code == 200, answer.text
            cookies = dict(client.cookies)
        target = (await browser.ask("Target.createTarget", url="about:blank"))["targetId"]
        session = (await browser.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = cls(browser, target, session)
        for name, value in cookies.items():
            await page._ask("Network.setCookie", name=name, value=value, url=http)
        await page._ask("Page.enable")
        english = "localStorage.setItem('tongdai.language', 'en')"
        await page._ask("Page.addScriptToEvaluateOnNewDocument", source=english)
        await page.size(1280, 800)
        await page._ask("Page.navigate", url=http + path)
        return page

    async def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.ask(method, self._session, **parameters)

    async def size(self, width: int, height: int) -> None:
        await self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        return await self._browser.evaluate(self._session, script)

    async def until(self, condition: str, within: float = 10.0) -> Any:
        """Wait for an expression to be true, and return it."""
        try:
            async with asyncio.timeout(within):
                while not (found := await self.run(condition)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            text = await self.run("document.body?.innerText")
            raise Failed(f"never true: {condition}\nthe page says:\n{text}") from None
        return found

    async def says(self, text: str, within: float = 10.0) -> None:
        await self.until(f"document.body?.innerText.includes({json.dumps(text)})", within)

    async def click(self, selector: str, text: str = "") -> None:
        """The first that fits and has this text in it or in its label, as soon as it is there and enabled."""
        await self.until(
            f"""(() => {{
                const fits = (x) => !x.disabled && (x.innerText + (x.getAttribute("aria-label") ?? ""))
                    .includes({json.dumps(text)});
                const found = [...document.querySelectorAll({json.dumps(selector)})].find(fits);
                found?.click();
                return found !== undefined;
            }})()"""
        )

    async def type(self, selector: str, text: str) -> None:
        """Replace what is in a field, key by key as far as the page can tell."""
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.run(
            f"""(() => {{
                const field = document.querySelector({json.dumps(selector)});
                field.focus();
                field.select?.();
            }})()"""
        )
        await self._ask("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            await self._ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    async def drag(self, what: str, onto: str) -> None:
        await self.until(f"document.querySelector({json.dumps(onto)}) !== null")
        await self.run(
            f"""(() => {{
                const what = document.querySelector({json.dumps(what)});
                const onto = document.querySelector({json.dumps(onto)});
                const dataTransfer = new DataTransfer();
                const how = {{ bubbles: true, cancelable: true, dataTransfer }};
                const send = (to, type) => to.dispatchEvent(new DragEvent(type, how));
                send(what, "dragstart");
                send(onto, "dragenter");
                if (send(onto, "dragover")) throw new Error("it cannot be dropped there");
                send(onto, "drop");
                send(what, "dragend");
            }})()"""
        )

    async def serious(self) -> list[str]:
        """What axe finds that is serious or worse, each with where it is; its experimental rules aside."""
        await self.run(AXE.read_text() + "; true")
        rules = "{ 'label-content-name-mismatch': { enabled: false } }"
        found = await self.run(
            f"axe.run({{ rules: {rules} }})"
            ".then((x) => x.violations.map((v) => [v.impact, v.id, v.nodes[0].html]))"
        )
        return [f"{rule}: {html}" for impact, rule, html in found if impact in ("serious", "critical")]

    async def close(self) -> None:
        await self._browser.ask("Target.closeTarget", targetId=self._target)
