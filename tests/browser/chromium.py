"""The system's Chromium, driven over a pipe by the DevTools protocol: no driver to install, nothing downloaded.

Messages are JSON, each ended by a NUL, on the browser's descriptors 3 (in) and 4 (out).
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WAIT_SECONDS = 30.0
_KEYS = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "End": 35, " ": 32}


def find_chromium() -> str | None:
    """The browser's program, where there is one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Chromium:
    """One browser with one page. Close it, or use it as a context manager."""

    def __init__(self, program: str, folder: Path) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [
                "bash", "-c", 'exec "$@" 3<&"$IN_FD" 4>&"$OUT_FD"', "bash", program, "--headless", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            env={**os.environ, "IN_FD": str(to_browser), "OUT_FD": str(from_browser), "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._read = b""
        self.console: list[str] = []
        self.requests: list[str] = []
        (target,) = [each for each in self._call("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        for descriptor in (self._out, self._in):
            os.close(descriptor)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, method: str, **parameters: Any) -> Any:
        """A command to the page."""
        return self._call(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + WAIT_SECONDS
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}\n{self.console}"
            time.sleep(0.02)

    def press(self, key: str, *, control: bool = False) -> None:
        """Press and release a key."""
        code = _KEYS[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="" if control else text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path, *, width: int = 1100, height: int = 1300, dark: bool = False) -> None:
        """The page as a PNG, in the light or the dark look."""
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            received = self._receive()
            if received.get("id") == number:
                assert "error" not in received, (method, received["error"])
                return received["result"]
            self._note(received)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._in], [], [], WAIT_SECONDS)
            assert ready, "the browser says nothing"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser ended"
            self._read += data
        message, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        facts = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled" if facts["type"] in ("error", "warning"):
                self.console.append(str(facts["args"]))
            case "Runtime.exceptionThrown":
                self.console.append(str(facts["exceptionDetails"]))
            case "Log.entryAdded" if facts["entry"]["level"] in ("error", "warning"):
                self.console.append(f"{facts['entry']['text']} {facts['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(facts["request"]["url"])
