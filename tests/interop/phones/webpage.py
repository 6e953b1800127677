"""Our own pages in a real Chromium, used as a person does: by what is written on things, or by selector."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.interop.demo import Demo
from tests.interop.phones.browser import AXE, MICROPHONE, PATIENCE, Chromium, Failed

LAN, MINH = MICROPHONE, 1210
"""Hz that the microphones of two people hear."""

LAPTOP, PHONE = (1280, 800), (390, 844)
_CLICKED = "button, a, [role=tab]"

_EARS = """
(() => {
  // a microphone that is opened hears window.tone, and what any element plays can be heard by the test
  window.faults = [];
  window.addEventListener("error", ({ message, error }) => window.faults.push(error?.stack ?? message));
  const context = () => (window.earsContext ??= new AudioContext());
  window.tone = FREQUENCY;
  const microphone = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.wanted = [];
  window.microphones = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.wanted.push(wanted);
    if (!window.tone) return microphone(wanted);
    const out = context().createMediaStreamDestination();
    const tone = new OscillatorNode(context(), { frequency: window.tone });
    tone.connect(new GainNode(context(), { gain: 0.4 })).connect(out);
    tone.start();
    window.microphones.push(...out.stream.getTracks());
    return out.stream;
  };
  window.ears = new Map();
  const listen = (element, source) => {
    const ear = new AnalyserNode(context(), { fftSize: 8192, smoothingTimeConstant: 0 });
    source.connect(ear);
    window.ears.set(element, ear);
  };
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...source,
    set(stream) {
      source.set.call(this, stream);
      if (stream) listen(this, context().createMediaStreamSource(stream));
    },
  });
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (this.src && !window.ears.has(this)) listen(this, context().createMediaElementSource(this));
    return play.call(this);
  };
  // the frequencies that are heard at all, in Hz
  window.heard = () => {
    const found = [];
    for (const ear of window.ears.values()) {
      const bins = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(bins);
      bins.forEach((level, bin) => {
        const peak = level > -55 && level >= (bins[bin - 1] ?? -200) && level >= (bins[bin + 1] ?? -200);
        if (peak) found.push((bin * ear.context.sampleRate) / ear.fftSize);
      });
    }
    return found;
  };
  // the first thing that is visible, can be used, and bears this name
  window.named = (name, selector) =>
    [...document.querySelectorAll(selector)].find((one) => {
      const label = one.getAttribute("aria-label") ?? (one.labels?.[0] ?? one).textContent;
      return label.includes(name) && one.checkVisibility() && !one.disabled;
    });
})();
"""


class WebPage:
    """One person's browser: it shares no cookies with the others. Selectors are CSS; what is waited for may
    take `within` seconds."""

    def __init__(self, browser: Chromium, context: str, target: str, session: str) -> None:
        self._browser = browser
        self._context = context
        self._target = target
        self._session = session

    @classmethod
    async def open(
        cls,
        browser: Chromium,
        url: str,
        tone: int = 0,
        *,
        login: tuple[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        language: str = "en",
        size: tuple[int, int] = LAPTOP,
        before: str = "",
        shared: bool = False,
    ) -> WebPage:
        """The page at `url`, of whoever has this e-mail address and password, or of a session that has begun.
        Its microphone hears `tone` (Hz); 0: what every page of the browser hears. `before` is a script that
        runs before those of the page. `shared` is the browser's own profile: nothing can be installed in
        others."""
        context = "" if shared else (await browser.ask("Target.createBrowserContext"))["browserContextId"]
        if login:
            cookies = await cookies_of(url, *login)
        return await cls._open(browser, context, url, tone, cookies or {}, language, size, before)

    @classmethod
    async def _open(
        cls,
        browser: Chromium,
        context: str,
        url: str,
        tone: int,
        cookies: Mapping[str, str],
        language: str,
        size: tuple[int, int] = LAPTOP,
        before: str = "",
    ) -> WebPage:
        where = {"browserContextId": context} if context else {}
        target = await browser.ask("Target.createTarget", url="about:blank", **where)
        attached = await browser.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = cls(browser, context, target["targetId"], attached["sessionId"])
        await page.ask("Page.enable")
        await page.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        await page.ask("Emulation.setLocaleOverride", locale=language)
        await page.size(*size)
        kept = f"try {{ localStorage['tongdai.language'] ??= '{language}' }} catch {{}}"
        before = f"{kept}\n{before}"  # the browser itself speaks English
        source = _EARS.replace("FREQUENCY", str(tone))
        await page.ask("Page.addScriptToEvaluateOnNewDocument", source=source + before)
        for name, value in cookies.items():
            await page.ask("Network.setCookie", name=name, value=value, url=url)
        await page.ask("Page.navigate", url=url)
        return page

    async def tab(self, url: str, tone: int) -> WebPage:
        """Another tab of the same person's browser."""
        return await self._open(self._browser, self._context, url, tone, {}, "en")

    async def leave(self) -> None:
        """Close this tab alone."""
        await self._browser.ask("Target.closeTarget", targetId=self._target)
        self._target = ""

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.ask(method, self._session, **parameters)

    async def eval(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        return await self._browser.evaluate(self._session, expression)

    async def size(self, width: int, height: int) -> None:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        await self.ask("Emulation.setDeviceMetricsOverride", **screen)

    async def scheme(self, scheme: str) -> None:
        """`light` or `dark`, as the device wishes."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.ask("Emulation.setEmulatedMedia", features=[feature])
        frame = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
        await self.eval(f"{frame}.then(() => true)")

    async def screenshot(self) -> bytes:
        """What is in sight, as PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])

    async def settled(self) -> None:
        """What moves has come to rest, but for what moves for ever."""
        await self.eval(
            "Promise.all(document.getAnimations().filter(x => x.effect.getComputedTiming().endTime < 1e6)"
            ".map(x => x.finished.catch(() => null))).then(() => true)"
        )

    async def until(self, expression: str, what: str = "", within: float = PATIENCE) -> None:
        """Wait for an expression to be true."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            if await self._tried(f"!!({expression})") is True:
                return
            if loop.time() > end:
                what = what or f"never true: {expression}"
                shown = await self._tried("[...faults, document.body.innerText].join('\\n')")
                raise Failed(f"{what}; the page shows:\n{shown}\nand hears {await self._tried('heard()')}")
            await asyncio.sleep(0.05)

    async def reload(self) -> None:
        """Load it again; what was there before is gone then."""
        await self.eval("window.formerPage = true")
        await self.ask("Page.reload")
        await self.until("window.formerPage === undefined && document.readyState === 'complete'")

    async def click(self, name: str, selector: str = _CLICKED) -> None:
        """The first that fits and bears this name, as soon as it is there and enabled."""
        found = f"named({json.dumps(name)}, {json.dumps(selector)})"
        await self.until(
            f"{found} && ({found}.focus(), {found}.click(), true)", f"no {name!r} among {selector}"
        )

    async def type(self, label: str, text: str, place: str = "main") -> None:
        """Into the field with this label, and Enter."""
        found = f"named({json.dumps(label)}, {json.dumps(place + ' input')})"
        await self.until(f"{found} && ({found}.focus(), true)", f"no field {label!r}")
        await self.ask("Input.insertText", text=text)
        await self.press("Enter", 13)

    async def fill(self, selector: str, text: str) -> None:
        """Replace what is in a field."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{found} && ({found}.focus(), {found}.select?.(), true)", f"no {selector}")
        await self.ask("Input.insertText", text=text)

    async def choose(self, label: str, option: str, among: str = "input, select, [role=combobox]") -> None:
        """In a list that opens."""
        await self.click(label, among)
        await self.click(option, "[role=option]")

    async def offer(self, selector: str, file: Path) -> None:
        """As if this file had been chosen for that field."""
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        root = (await self.ask("DOM.getDocument"))["root"]["nodeId"]
        field = await self.ask("DOM.querySelector", nodeId=root, selector=selector)
        await self.ask("DOM.setFileInputFiles", nodeId=field["nodeId"], files=[str(file)])

    async def press(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    async def becomes(self, expression: str, value: str) -> None:
        """Wait for an expression, or what it promises, to be equal to that."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while (found := await self._tried(expression)) != value:
            assert loop.time() < end, f"{expression} is {found!r}, not {value!r}"
            await asyncio.sleep(0.1)

    async def _tried(self, expression: str) -> Any:
        """Its value, or what it threw: while a page is loading nothing is there."""
        try:
            return await self.eval(expression)
        except AssertionError as error:
            return error

    async def records(self, seconds: int) -> None:
        """Wait until it has recorded for so long; what is there for a second only may pass unseen."""
        length = "Number(/… (\\d+) /.exec(named('… ', '[role=status]')?.innerText)?.[1])"
        await self.until(f"{length} >= {seconds}", f"it does not record for {seconds} s")

    async def allow(self, *permissions: str) -> None:
        """What a person would be asked for."""
        await self._browser.ask(
            "Browser.grantPermissions", permissions=permissions, browserContextId=self._context
        )

    async def hide(self) -> None:
        """Something else is in front of the page. (Without a screen nothing is, so the page is told.)"""
        await self.eval(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true }),"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    async def click_notification(self, action: str) -> None:
        """The button of the one that is shown, as the system tells the worker of it."""
        target = await self._worker()
        session = (await self._browser.ask("Target.attachToTarget", targetId=target, flatten=True))[
            "sessionId"
        ]
        await self._browser.evaluate(
            session,
            "registration.getNotifications().then(([notification]) => dispatchEvent(new NotificationEvent("
            f"'notificationclick', {{ notification, action: {json.dumps(action)} }})))",
        )
        await self._browser.ask("Target.detachFromTarget", sessionId=session)

    async def _worker(self) -> str:
        targets = (await self._browser.ask("Target.getTargets", filter=[{}]))["targetInfos"]
        return next(
            str(x["targetId"])
            for x in targets
            if x["type"] == "service_worker" and x.get("browserContextId") == self._context
        )

    async def drag(self, what: str, onto: str) -> None:
        await self.until(f"document.querySelector({json.dumps(onto)}) !== null")
        await self.eval(
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

    async def sees(self, text: str, within: float = PATIENCE) -> None:
        await self.until(
            f"document.body.innerText.includes({json.dumps(text)})", f"does not see {text!r}", within
        )

    async def watches_for(self, text: str) -> None:
        """From now on `saw` knows whether this was ever shown: what is shown for seconds only may be gone
        when a machine that stalls looks for it."""
        await self.eval(
            f"""(() => {{
                const text = {json.dumps(text)};
                window.shown ??= new Set();
                window.shown.delete(text);
                const look = () => document.body.innerText.includes(text) && window.shown.add(text);
                new MutationObserver(look).observe(document.body,
                    {{ childList: true, subtree: true, characterData: true }});
            }})()"""
        )

    async def saw(self, text: str) -> None:
        await self.until(f"shown.has({json.dumps(text)})", f"{text!r} was never shown")

    async def sees_no(self, text: str, within: float = PATIENCE) -> None:
        await self.until(f"!document.body.innerText.includes({json.dumps(text)})", f"sees {text!r}", within)

    async def hears(self, frequency: float, within: float = PATIENCE) -> None:
        near = f"heard().some((one) => Math.abs(one - {frequency}) < 12)"
        await self.until(near, f"does not hear {frequency} Hz", within)

    async def hears_no(self, frequency: float, within: float = PATIENCE) -> None:
        near = f"!heard().some((one) => Math.abs(one - {frequency}) < 12)"
        await self.until(near, f"hears {frequency} Hz", within)

    async def sign_in_as(self, name: str) -> None:
        """By the offer of the demo, with one click; and until the phone is registered."""
        await self.click(name)
        await self.sees("Ready")

    async def complaints(self) -> list[str]:
        """What axe finds that is serious or worse, each with where it is; its experimental rules aside."""
        await self.settled()  # what is fading in has less contrast than it will have
        await self.eval(AXE.read_text() + "; true")
        rules = "{ 'label-content-name-mismatch': { enabled: false } }"
        found = await self.eval(
            f"axe.run({{ rules: {rules} }})"
            ".then((x) => x.violations.map((v) => [v.impact, v.id, v.nodes.map((x) => x.html).join(' | ')]))"
        )
        return [f"{rule}: {html[:400]}" for impact, rule, html in found if impact in ("serious", "critical")]

    async def close(self) -> None:
        """This tab, and the others of this browser."""
        await self._browser.ask("Target.disposeBrowserContext", browserContextId=self._context)


class Pages:
    """People at the pages of a demo, each with a browser of his own; closed after the test."""

    def __init__(self, browser: Chromium) -> None:
        self._browser = browser
        self._opened: list[WebPage] = []

    async def open(self, demo: Demo, person: str, tone: int, *, path: str = "") -> WebPage:
        """Signed in with one click, the phone registered."""
        page = await WebPage.open(self._browser, demo.facts.http + path, tone)
        self._opened.append(page)
        await page.sign_in_as(person)
        return page

    async def close(self) -> None:
        for page in self._opened:
            await page.close()


async def cookies_of(url: str, email: str, password: str) -> dict[str, str]:
    """Those of a session that has begun."""
    async with httpx.AsyncClient(timeout=20) as client:
        login = {"email": email, "password": password}
        answer = await client.post(httpx.URL(url).join("/api/v1/sign-in"), json=login)
        assert answer.status_code == 200, answer.text
        return dict(client.cookies)
