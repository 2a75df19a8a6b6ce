"""The page in a browser, at the width of a desk and of a phone.

Chromium is driven without a window through its DevTools protocol, JSON over a WebSocket.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from matplotlib.image import imread
from tornado.websocket import websocket_connect

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-port=0",
)
_PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(_PROGRAM is None, reason="there is no Chromium: apt-get install chromium")

# Bokeh draws into canvases inside shadow roots.
_CANVASES = """(() => {
  const found = []
  const search = (root) => root.querySelectorAll('*').forEach((element) => {
    if (element.tagName === 'CANVAS' && element.width > 200) found.push(element.getBoundingClientRect().width)
    if (element.shadowRoot) search(element.shadowRoot)
  })
  search(document)
  return found
})()"""
_DRAWN = """new Promise((done, failed) => {
  const patience = setTimeout(() => failed(new Error('nothing was drawn')), 30000)
  const look = () => (CANVASES.length >= 2 ? (clearTimeout(patience), done(true)) : setTimeout(look, 50))
  look()
})""".replace("CANVASES", _CANVASES)
_IMAGES = """[...document.images].filter((image) => image.getClientRects().length)
  .map((image) => [image.closest('figure').id, image.naturalWidth])"""
_MODELS = "[...Bokeh.documents[0].all_models.values()]"
_TEXT = f"{_MODELS}.find((model) => model.type === 'Div' && model.text.includes('test error')).text"
_MOVE = f"{_MODELS}.find((model) => model.type === 'Slider' && model.title.startsWith('phase')).value = 1"
_SLIDERS = f"Object.fromEntries({_MODELS}.filter((m) => m.type === 'Slider').map((m) => [m.title, m.value]))"


class Visit(NamedTuple):
    """What came of opening a page."""

    picture: bytes  # PNG of all of it
    complaints: list[str]  # errors and warnings on the console, exceptions
    requests: list[str]  # addresses it asked for
    answers: list[Any]  # what the expressions gave


def visit(page: Path, profile: Path, width: int, expressions: list[str]) -> Visit:
    """Open a page at a width, evaluate expressions of JavaScript one after the other, and take its picture."""
    browser = subprocess.Popen(
        [str(_PROGRAM), *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return asyncio.run(_visit(page, _address(profile, browser), width, expressions))
    finally:
        browser.terminate()
        browser.wait(timeout=_PATIENCE_S)


def _address(profile: Path, browser: subprocess.Popen[bytes]) -> str:
    """Return where the browser listens, which it writes to a file when it does."""
    port_file = profile / "DevToolsActivePort"
    for _ in range(int(_PATIENCE_S / 0.05)):
        if browser.poll() is not None:
            raise RuntimeError(f"the browser left with code {browser.returncode}")
        if port_file.exists() and len(lines := port_file.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise TimeoutError("the browser does not listen")


class _Tab:
    """A tab of the browser: commands, and the events since it was opened."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._session: str | None = None
        self._count = 0
        self.events: list[dict[str, Any]] = []

    async def open(self) -> None:
        target = (await self.ask("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.ask(f"{domain}.enable")

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        number = self._count
        session = {} if self._session is None else {"sessionId": self._session}
        await self._socket.write_message(json.dumps({"id": number, "method": method, "params": parameters, **session}))
        while (message := await self._next()).get("id") != number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def wait_for(self, method: str) -> None:
        while all(event.get("method") != method for event in self.events):
            self.events.append(await self._next())

    async def evaluate(self, expression: str) -> Any:
        answer = await self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def _next(self) -> dict[str, Any]:
        text = await asyncio.wait_for(self._socket.read_message(), _PATIENCE_S)
        message: dict[str, Any] = json.loads(text)
        return message


async def _visit(page: Path, address: str, width: int, expressions: list[str]) -> Visit:
    socket = await websocket_connect(address, max_message_size=2**28)
    tab = _Tab(socket)
    await tab.open()
    phone = width < 600
    await tab.ask(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=2 if phone else 1, mobile=phone
    )
    await tab.ask("Page.navigate", url=page.as_uri())
    await tab.wait_for("Page.loadEventFired")
    answers = [await tab.evaluate(expression) for expression in expressions]
    shot = await tab.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    socket.close()
    while await socket.read_message() is not None:  # until the other side has closed too
        pass
    return Visit(base64.b64decode(shot["data"]), _complaints(tab.events), _requests(tab.events), answers)


def _complaints(events: list[dict[str, Any]]) -> list[str]:
    found = []
    for event in events:
        details = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            found.append(json.dumps(details["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and details["entry"]["level"] in {"error", "warning"}:
            found.append(details["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled" and details["type"] in {"error", "warning", "assert"}:
            found.append(json.dumps(details["args"]))
    return found


def _requests(events: list[dict[str, Any]]) -> list[str]:
    return [event["params"]["request"]["url"] for event in events if event.get("method") == "Network.requestWillBeSent"]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_shows_its_figures_and_nothing_complains(report, tmp_path, width):
    steps = [_DRAWN, _IMAGES, _CANVASES, "document.documentElement.scrollWidth", _TEXT, _MOVE, _TEXT, _SLIDERS]
    seen = visit(report / "report.html", tmp_path / "profile", width, steps)
    _, images, canvases, across, before, _, after, sliders = seen.answers
    assert seen.complaints == []
    assert [address for address in seen.requests if not address.startswith("data:")] == [
        (report / "report.html").as_uri()
    ]
    shown = {name for name, _ in images}
    assert {"mesh", "test_error", "learning_curves", "gradient_laws", "energy_maps", "decision_maps"} <= shown
    assert all(pixels > 0 for _, pixels in images)
    assert all(200 < canvas <= width for canvas in canvases)
    assert across <= width  # the page itself is not to be scrolled sideways
    # A control was moved to phase errors, which one size was trained with: the others follow.
    assert before != after
    assert sliders["phase error of inputs and outputs (π rad)"] == 1
    assert sliders["tap noise s"] == 0
    picture = imread(io.BytesIO(seen.picture))
    assert picture.shape[0] > 5 * picture.shape[1]
    assert np.ptp(picture[..., :3]) > 0.9
