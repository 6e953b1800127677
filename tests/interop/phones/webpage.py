"""Our own pages in a real Chromium, used as a person does: by what is written on things."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.interop.phones.browser import AXE, Chromium, Failed

_CLICKED = "button, a, [role=tab]"

_EARS = """
(() => {
  // each page speaks with a tone of its own, and what any element plays can be heard by the test
  const context = () => (window.earsContext ??= new AudioContext());
  navigator.mediaDevices.getUserMedia = async () => {
    const out = context().createMediaStreamDestination();
    const tone = new OscillatorNode(context(), { frequency: FREQUENCY });
    tone.connect(new GainNode(context(), { gain: 0.4 })).connect(out);
    tone.start();
    return out.stream;
  };
  window.ears = new Set();
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...source,
    set(stream) {
      source.set.call(this, stream);
      if (!stream) return;
      const ear = new AnalyserNode(context(), { fftSize: 8192, smoothingTimeConstant: 0 });
      context().createMediaStreamSource(stream).connect(ear);
      window.ears.add(ear);
    },
  });
  // the frequencies that are heard at all, in Hz
  window.heard = () => {
    const found = [];
    for (const ear of window.ears) {
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
      const label = one.getAttribute("aria-label") ?? one.textContent;
      return label.includes(name) && one.checkVisibility() && !one.disabled;
    });
})();
"""


class WebPage:
    """One person's browser: it shares no cookies with the others."""

    def __init__(self, browser: Chromium, context: str, target: str, session: str) -> None:
        self._browser = browser
        self._context = context
        self._target = target
        self._session = session

    @classmethod
    async def open(cls, browser: Chromium, url: str, tone: int, *, language: str = "en") -> WebPage:
        context = (await browser.ask("Target.createBrowserContext"))["browserContextId"]
        target = await browser.ask("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await browser.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = cls(browser, context, target["targetId"], attached["sessionId"])
        await page.ask("Page.enable")
        await page.ask("Emulation.setLocaleOverride", locale=language)
        screen = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        await page.ask("Emulation.setDeviceMetricsOverride", **screen)
        source = _EARS.replace("FREQUENCY", str(tone))
        await page.ask("Page.addScriptToEvaluateOnNewDocument", source=source)
        await page.ask("Page.navigate", url=url)
        return page

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.ask(method, self._session, **parameters)

    async def eval(self, expression: str) -> Any:
        return await self._browser.evaluate(self._session, expression)

    async def until(self, expression: str, what: str, within: float = 15) -> Any:
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            try:
                if found := await self.eval(expression):
                    return found
            except Failed:  # while a page is loading nothing is there
                pass
            if loop.time() > end:
                shown = await self.eval("document.body.innerText")
                raise Failed(f"{what}; the page shows:\n{shown}\nand hears {await self.eval('heard()')}")
            await asyncio.sleep(0.05)

    async def click(self, name: str, selector: str = _CLICKED) -> None:
        found = f"named({json.dumps(name)}, {json.dumps(selector)})"
        await self.until(f"{found} && ({found}.click(), true)", f"no {name!r}")

    async def type(self, label: str, text: str, place: str = "main") -> None:
        """Into the field with this label, and Enter."""
        found = f"named({json.dumps(label)}, {json.dumps(place + ' input')})"
        await self.until(f"{found} && ({found}.focus(), true)", f"no field {label!r}")
        await self.ask("Input.insertText", text=text)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", text="\r", **enter)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **enter)

    async def sees(self, text: str, within: float = 15) -> None:
        await self.until(
            f"document.body.innerText.includes({json.dumps(text)})", f"does not see {text!r}", within
        )

    async def sees_no(self, text: str, within: float = 15) -> None:
        await self.until(f"!document.body.innerText.includes({json.dumps(text)})", f"sees {text!r}", within)

    async def hears(self, frequency: float, within: float = 15) -> None:
        near = f"heard().some((one) => Math.abs(one - {frequency}) < 12)"
        await self.until(near, f"does not hear {frequency} Hz", within)

    async def hears_no(self, frequency: float, within: float = 15) -> None:
        near = f"!heard().some((one) => Math.abs(one - {frequency}) < 12)"
        await self.until(near, f"hears {frequency} Hz", within)

    async def sign_in_as(self, name: str) -> None:
        """By the offer of the demo, with one click; and until the phone is registered."""
        await self.click(name)
        await self.sees("Ready")

    async def complaints(self) -> list[str]:
        """What axe finds that is serious or worse."""
        await self.eval(AXE.read_text())
        found = await self.eval(
            "axe.run().then(({violations}) => violations.filter((one) => /serious|critical/.test(one.impact))"
            ".map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`.slice(0, 400)))"
        )
        return list(found)

    async def close(self) -> None:
        await self._browser.ask("Target.closeTarget", targetId=self._target)
        await self._browser.ask("Target.disposeBrowserContext", browserContextId=self._context)
