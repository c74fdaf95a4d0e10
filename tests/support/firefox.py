"""A real headless Firefox, spoken to by its own protocol (Marionette): no driver program is needed.

with Firefox(folder) as fox:
    fox.open(path)
    fox.run("return document.title")
"""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

_PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.download.alwaysOpenPanel": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.proxy.type": 1,  # everything but files goes to a proxy, which only writes it down
    "network.proxy.http": "127.0.0.1",
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.allow_hijacking_localhost": True,
}
# What the browser itself asks for.
_OWN = ("mozilla", "firefox", "detectportal", "update.googleapis.com")


def program() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One running Firefox with a profile of its own; downloads go to `downloads`."""

    def __init__(self, downloads: Path) -> None:
        self.downloads, self._number, self._left = downloads, 0, b""
        self.requests: list[str] = []  # what pages asked the network for
        self._proxy = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._watch, daemon=True).start()
        self._profile = tempfile.TemporaryDirectory(prefix="xltool-firefox-")
        home = Path(self._profile.name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        wanted = _PREFERENCES | {"browser.download.dir": str(downloads), "marionette.port": port}
        proxy = self._proxy.getsockname()[1]
        wanted |= {"network.proxy.http_port": proxy, "network.proxy.ssl_port": proxy}
        lines = [
            f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in wanted.items()
        ]
        (home / "user.js").write_text("\n".join(lines), "utf-8")
        command = [program(), "--headless", "--marionette", "--no-remote", "--profile", str(home)]
        if warden := shutil.which(
            "setpriv"
        ):  # it ends with the tests, even with tests that are killed
            command = [warden, "--pdeathsig", "TERM", *command]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._socket = self._connected(port)
        self._received()  # its greeting
        self.say(
            "WebDriver:NewSession",
            {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": False}}},
        )
        self.say("WebDriver:SetTimeouts", {"script": 280_000, "pageLoad": 120_000})

    def _watch(self) -> None:
        """The proxy: it notes the first line of each request, and answers nothing."""
        while True:
            try:
                asking, _ = self._proxy.accept()
            except OSError:  # closed
                return
            with asking:
                line = asking.recv(4096).partition(b"\r\n")[0].decode("latin-1")
            if line and not any(own in line for own in _OWN):
                self.requests.append(line)

    def _connected(self, port: int) -> socket.socket:
        for _ in range(600):
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=290)
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("Firefox does not answer")

    def _received(self):
        """One message: its length, a colon, JSON."""
        while b":" not in self._left:
            self._left += self._socket.recv(2**16)
        length, _, rest = self._left.partition(b":")
        while len(rest) < int(length):
            rest += self._socket.recv(2**20)
        self._left = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def say(self, command: str, given: dict):
        self._number += 1
        data = json.dumps([0, self._number, command, given]).encode()
        self._socket.sendall(str(len(data)).encode() + b":" + data)
        _, _, error, result = self._received()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return result.get("value") if isinstance(result, dict) and "value" in result else result

    def open(self, path: Path) -> None:
        self.say("WebDriver:Navigate", {"url": path.as_uri()})

    def run(self, script: str, *given):
        """What the script returns, a promise too; its arguments are `arguments[0]` and so on."""
        return self.say(
            "WebDriver:ExecuteScript",
            {"script": script, "args": list(given), "sandbox": None, "newSandbox": False},
        )

    def choose(self, selector: str, paths: list[Path]) -> None:
        """Files chosen in an `<input type=file>`, as a person would."""
        found = self.say("WebDriver:FindElement", {"using": "css selector", "value": selector})
        text = "\n".join(map(str, paths))
        self.say("WebDriver:ElementSendKeys", {"id": next(iter(found.values())), "text": text})

    def picture(self) -> str:
        """The page as a PNG, in base64."""
        return self.say("WebDriver:TakeScreenshot", {"full": True})

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._proxy.close()
        self._profile.cleanup()

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(self, *_) -> None:
        self.close()
