#!/usr/bin/env python3
"""Looks at pages of `lockstep report` in headless Chromium, at three widths and in both themes.

    scripts/look-at-page.py PAGE.html [--pictures FOLDER [--format png] [--top PIXELS]]

Fails where the page says something on the console, reaches for another file, is wider than the window, has a
chart that is not drawn, or answers neither pointer nor keyboard. Prints how long it takes to be there. With
--pictures it writes a picture a width and theme. Needs Chromium (Debian: chromium) and nothing else.
"""
import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

WIDTHS = [390, 900, 1440]
THEMES = ["light", "dark"]

PROBE = """(() => {
  const figures = [...document.querySelectorAll("figure")];
  const width = document.documentElement.scrollWidth;
  return {
    figures: figures.length, empty: figures.filter((figure) => !figure.querySelector("svg.chart")).map((figure) => figure.id),
    width, window: window.innerWidth, height: document.documentElement.scrollHeight,
    loaded: performance.getEntriesByType("navigation")[0].loadEventEnd,
    unnamed: [...document.querySelectorAll("svg.chart, button, img")].filter((element) =>
      !(element.getAttribute("aria-label") || element.textContent.trim() || element.getAttribute("alt"))).length,
  };
})()"""

KEYBOARD = """(() => {
  const silent = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    const figure = chart.closest("figure");
    chart.focus();
    chart.dispatchEvent(new KeyboardEvent("keydown", {key: "Home", bubbles: true, cancelable: true}));
    chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true}));
    chart.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true, cancelable: true}));
    const tip = figure.querySelector(".tip");
    if (tip.hidden || !tip.textContent || !document.getElementById("live").textContent) silent.push(figure.id);
    chart.blur();
  }
  return silent;
})()"""

POINTER = """(() => {
  const silent = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    const box = chart.getBoundingClientRect();
    chart.dispatchEvent(new PointerEvent("pointermove", {
      clientX: box.left + box.width * 0.6, clientY: box.top + 14, bubbles: true}));
    const tip = chart.closest("figure").querySelector(".tip");
    if (tip.hidden || !tip.textContent) silent.push(chart.closest("figure").id);
    chart.dispatchEvent(new PointerEvent("pointerleave", {bubbles: true}));
  }
  return silent;
})()"""


class Browser:
    """Chromium, spoken to through a pair of pipes."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            print("look-at-page: skipped, there is no Chromium (Debian: apt-get install chromium)")
            sys.exit(0)
        self.profile = tempfile.TemporaryDirectory(prefix="look-at-page-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()

        def connect():
            # The pipes may have these very numbers already.
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=connect)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.rest = b""
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.rest:
            part = os.read(self.input, 1 << 20)
            if not part:
                sys.exit("look-at-page: Chromium has ended")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"look-at-page: {method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event):
        while not any(found.get("method") == event for found in self.events):
            self.events.append(self.receive())

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"look-at-page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.profile.cleanup()


def complaints(events, page):
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            yield "console: " + " ".join(str(part.get("value", part.get("description"))) for part in parameters["args"])
        elif method == "Runtime.exceptionThrown":
            yield "exception: " + json.dumps(parameters["exceptionDetails"])[:400]
        elif method == "Log.entryAdded":
            yield "log: " + parameters["entry"]["text"]
        elif method == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if url != page and not url.startswith("data:"):
                yield "request: " + url


def look(browser, page, width, theme, options):
    """Looks at a page in one way; returns what is wrong."""
    browser.events = []
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.call("Page.navigate", url=page)
    browser.wait("Page.loadEventFired")
    browser.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")
    found = browser.value(PROBE)
    problems = [f"no chart in {name}" for name in found["empty"]]
    if found["width"] > max(found["window"], width):
        problems.append(f"the page is {found['width']} pixels wide in a window of {width}")
    if found["unnamed"]:
        problems.append(f"{found['unnamed']} charts, buttons or pictures have no name for a screen reader")
    for what, probe in [("the keyboard", KEYBOARD), ("the pointer", POINTER)]:
        problems += [f"{name} does not answer {what}" for name in browser.value(probe)]
    if options.pictures:
        name = os.path.splitext(os.path.basename(page))[0]
        path = os.path.join(options.pictures, f"{name}-{width}-{theme}.{options.format}")
        height = min(found["height"], options.top or 1 << 20)
        more = {} if options.format == "png" else {"quality": 62}
        picture = browser.call(
            "Page.captureScreenshot", format=options.format, captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1}, **more)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
    problems += complaints(browser.events, page)
    print(f"{os.path.basename(page)}, {width} pixels, {theme}: {found['figures']} charts, there after "
          f"{found['loaded']:.0f} ms")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+")
    parser.add_argument("--pictures")
    parser.add_argument("--format", choices=["png", "webp"], default="webp")
    parser.add_argument("--top", type=int, help="the pictures' height at most")
    options = parser.parse_args()
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
    for path in options.pages:
        if not os.path.isfile(path):
            sys.exit(f"look-at-page: there is no file {path}")
    browser = Browser()
    failed = False
    try:
        for path in options.pages:
            page = "file://" + os.path.abspath(path)
            for width in WIDTHS:
                for theme in THEMES:
                    for problem in look(browser, page, width, theme, options):
                        failed = True
                        print(f"  {problem}")
            pdf = browser.call("Page.printToPDF", printBackground=False)["data"]
            print(f"{os.path.basename(path)}, printed: {len(pdf) * 3 // 4 // 1024} KiB of PDF")
            if options.pictures and options.format == "png":
                with open(os.path.join(options.pictures, os.path.basename(path) + ".pdf"), "wb") as file:
                    file.write(base64.b64decode(pdf))
    finally:
        browser.close()
    sys.exit(1 if failed else 0)


main()
