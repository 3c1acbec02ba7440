"""Firefox through WebDriver BiDi: no driver of its own is needed, only the browser and a web socket."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One page in Firefox."""

    def __init__(self, address: str) -> None:
        import websocket

        self._socket = websocket.create_connection(f"{address}/session", suppress_origin=True, timeout=120)
        self._last = 0
        self.events: list[dict[str, Any]] = []
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; what happens meanwhile is kept in `events`."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") != self._last:
                self.events.append(told)
            else:
                assert told["type"] == "success", told
                return told["result"]

    def value(self, expression: str) -> Any:
        """Return what an expression gives, a promise's too; text only."""
        target = {"context": self.context}
        told = self.ask("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert told["type"] == "success", told
        return told["result"].get("value")

    def open(self, path: Path) -> None:
        """Open a page and wait until it can run."""
        self.ask("browsingContext.navigate", context=self.context, url=path.as_uri(), wait="complete")
        for _ in range(300):
            if self.value("document.documentElement.dataset.ready") == "true":
                return
            time.sleep(0.1)
        raise AssertionError(self.value("document.body.innerText.slice(0, 500)"))

    def close(self) -> None:
        """End the session."""
        self._socket.close()


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Give a headless Firefox with a profile of its own."""
    command = [
        BROWSER or "",
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--remote-debugging-port=0",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        found = next(
            m for line in process.stderr if (m := re.search(r"WebDriver BiDi listening on (ws://\S+)", line))
        )
        page = Firefox(found.group(1))
        yield page
        page.close()
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()
