#!/usr/bin/env python3
"""Takes the pictures of the documentation from the flow viewer.

Needs Debian's chromium, chromium-driver and fonts-noto-cjk, Pillow from PyPI, and the ports of the
demo. NAME selects pictures; without one, all are taken.

    cargo build
    pip install pillow
    python3 docs/images/take.py target/debug/gatepass [NAME ...]
"""

import base64
import io
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
VIEWER = "http://localhost:9004"
TIMEOUT = 60
# How long the animation shows a step: one with a message, another one, and the last one.
MESSAGE_MILLIS, NOTE_MILLIS, END_MILLIS = 2200, 1100, 5000
# The first call of the demo, in which A has no access token yet.
FIRST_CALL = "first call"
# Name, scenario, and a pattern for the text of the line to open.
LESSONS = [
    ("learn-old-way", "legacy_query", None),
    ("learn-access-token", FIRST_CALL, None),
    ("learn-verification", "revoked", None),
    ("learn-login", "login", None),
    ("learn-grants", "password_grant", None),
    ("learn-attack", "wrong_audience", "aud|受众"),
]


class Page:
    """One tab of Chromium, through the WebDriver protocol."""

    def __init__(self, driver: str, language: str, width: int, height: int, scale: float, dark=False):
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run",
            "--hide-scrollbars", f"--accept-lang={language}", f"--lang={language}",
        ]
        options = {"goog:chromeOptions": {"args": arguments, "binary": "/usr/bin/chromium"}}
        self.driver = driver
        self.session = ""
        created = self.call("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self.session = f"/session/{created['sessionId']}"
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme, motion])

    def call(self, method: str, path: str, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        url = f"{self.driver}{self.session}{path}" if self.session else f"{self.driver}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return json.load(response)["value"]

    def cdp(self, command: str, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url: str):
        self.call("POST", "/url", {"url": "about:blank"})
        self.call("POST", "/url", {"url": url})

    def evaluate(self, script: str, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, script: str, *arguments):
        """Waits until a script returns something."""
        end = time.monotonic() + TIMEOUT
        while not (value := self.evaluate(script, *arguments)):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.05)
        return value

    def capture(self, css: str | None = None) -> Image.Image:
        """Captures the window, or what it shows of an element."""
        parameters = {"format": "png"}
        if css:
            self.evaluate("window.scrollTo(0, 0); document.activeElement?.blur();")
            script = """
                const box = document.querySelector(arguments[0]).getBoundingClientRect();
                return { x: box.x, y: box.y, width: box.width, height: Math.min(box.bottom, innerHeight) - box.y };
            """
            parameters["clip"] = {**self.evaluate(script, css), "scale": 1}
        png = base64.b64decode(self.cdp("Page.captureScreenshot", **parameters)["data"])
        return Image.open(io.BytesIO(png)).convert("RGB")

    def close(self):
        self.call("DELETE", "")


def request(path: str, body: bytes | None = None) -> dict:
    request = urllib.request.Request(VIEWER + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return json.load(response)


def play(scenario: str) -> str:
    """Plays a scenario and returns the address of its flow."""
    if scenario != FIRST_CALL:
        return f"{VIEWER}/flows/{request(f'/api/scenarios/{scenario}', b'{}')['flow']}"
    for flow in reversed(request("/api/flows")):
        paths = json.dumps(request(f"/api/flows/{flow['id']}"))
        if "/api/call-b" in paths and "/oauth/token" in paths:
            return f"{VIEWER}/flows/{flow['id']}"
    raise SystemExit("the first call is not stored any more")


def show(page: Page, flow: str, step: int | None = None):
    page.open(flow + (f"#step-{step}" if step else ""))
    drawn = "return document.querySelectorAll('#diagram .line').length"
    page.until(drawn)
    # The events of a flow arrive one by one.
    before = 0
    while before != (before := page.evaluate(drawn)):
        time.sleep(1)
    if step:
        page.until("return document.querySelector('#diagram .line.now')")


def open_line(page: Page, words: str):
    """Opens the first line whose text matches, one of a failed check before others."""
    page.evaluate("""
        const lines = [...document.querySelectorAll('#diagram .line')];
        const fits = lines.filter((line) => new RegExp(arguments[0], 'i').test(line.textContent));
        const line = fits.find((line) => line.matches('.no, .failed') || line.querySelector('.no, .failed')) ?? fits[0];
        line.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    """, words)
    page.until("return !document.getElementById('detail').hidden")


def save(image: Image.Image, name: str):
    """Saves an image with as many colours as a screenshot needs."""
    file = FOLDER / name
    image.quantize(200, dither=Image.Dither.NONE).convert("RGB").save(
        file, lossless=True, quality=100, method=6)
    print(f"{file.name}: {image.width}x{image.height}, {file.stat().st_size} bytes", flush=True)


def lesson(page: Page, name: str, scenario: str, words: str | None):
    show(page, play(scenario))
    if words:
        open_line(page, words)
        save(page.capture(), name)
    else:
        save(page.capture("main .ticket"), name)


def animation(page: Page, name: str):
    """Steps through the first call with the player."""
    flow = play(FIRST_CALL)
    show(page, flow, 1)
    frames, durations = [], []
    count = page.evaluate("return document.querySelectorAll('#diagram .line').length")
    for step in range(1, count + 1):
        if step > 1:
            page.evaluate("document.getElementById('player-next').click()")
        now = "const now = document.querySelectorAll('#diagram .line')[arguments[0]]; return now.classList.contains('now') && (now.dataset.kind ?? 'fold')"
        kind = page.until(now, step - 1)
        frames.append(page.capture("main .ticket"))
        durations.append(MESSAGE_MILLIS if kind in ("request", "response") else NOTE_MILLIS)
    durations[-1] = END_MILLIS
    size = frames[0].width, max(frame.height for frame in frames)
    for at, frame in enumerate(frames):
        frames[at] = Image.new("RGB", size, frame.getpixel((2, frame.height - 30)))
        frames[at].paste(frame)
    file = FOLDER / name
    frames[0].save(
        file, save_all=True, append_images=frames[1:], duration=durations, loop=0,
        lossless=True, quality=100, method=4, minimize_size=True)
    print(f"{file.name}: {size[0]}x{size[1]}, {len(frames)} frames, {file.stat().st_size} bytes", flush=True)


@contextmanager
def running(command: list[str], ready: str):
    """Runs a program until the end of the block. It is ready when it prints a line that matches."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in process.stdout:
            if found := re.search(ready, line):
                break
        else:
            raise SystemExit(f"{command[0]} did not start")
        yield found
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def two_tokens(page: Page, name: str):
    """Shows the ID token and an access token of a login."""
    show(page, play("login"))
    page.evaluate("document.getElementById('two-tokens').open = true")
    page.until("return document.querySelector('#two-tokens .pair section')")
    save(page.capture("#two-tokens"), name)


def front_page(page: Page, name: str):
    page.open(VIEWER)
    page.until("return document.querySelector('details.lesson[open]')")
    save(page.capture(), name)


def phone(page: Page, name: str):
    """Shows a step of the player on a phone."""
    show(page, play("server_to_server_introspection"), 4)
    save(page.capture(), name)


def take(driver: str, wanted: list[str]):
    for language, ending in [("en-US", ""), ("zh-CN", "-zh")]:
        # What is captured as a whole must not scroll.
        tall, window = [{"width": 1180, "height": height, "scale": 1} for height in (1100, 900)]
        sizes = {"learn-verification": {**tall, "height": 1700}, "learn-attack": window}
        pictures = [
            (name, sizes.get(name, tall), lambda page, file, rest=(scenario, words): lesson(page, file, *rest))
            for name, scenario, words in LESSONS
        ]
        pictures += [
            ("learn-first-account", {**tall, "height": 5000}, two_tokens),
            ("viewer-path", window, front_page),
            ("viewer-phone", {"width": 360, "height": 740, "scale": 2}, phone),
            ("player", tall, animation),
        ]
        for name, size, draw in pictures:
            name += ending
            if not wanted or name in wanted:
                page = Page(driver, language, **size, dark=name.startswith("learn-attack"))
                draw(page, f"{name}.webp")
                page.close()


def main():
    launcher, *wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as data, running(
        [launcher, "--data-dir", data], r"curl -i "), running(["chromedriver", "--port=0"], r"successfully on port (\d+)") as port:
        take(f"http://127.0.0.1:{port[1]}", wanted)


main()
