"""The part of xltool that runs inside LibreOffice:
a press on the toolbar goes to xltool's own Python.

It knows the buttons' ids and nothing else. Python is started as `xltool addin install
--libreoffice` wrote it down for this user, never as a document says; it talks back over a pipe that
is opened for it alone. Only the standard library and UNO: LibreOffice's Python need not be
xltool's.
"""

import os
import secrets
import subprocess
import threading

import uno
import unohelper
from com.sun.star.bridge import XInstanceProvider
from com.sun.star.frame import FeatureStateEvent, XDispatch, XDispatchProvider
from com.sun.star.lang import XInitialization, XServiceInfo

NAME = "xltool.desk.Buttons"
PROTOCOL = "xltool:"
BUTTONS = frozenset("@BUTTONS@".split())
STARTING = "@STARTING@"
FAILED = "@FAILED@"
TITLE = "xltool 绩效目标"


def _desk_folder():
    roaming = os.environ.get("APPDATA")
    return os.path.join(roaming, "xltool") if roaming else os.path.expanduser("~/.xltool")


def _python():
    with open(os.path.join(_desk_folder(), "python.txt"), encoding="utf-16") as file:
        return file.readline().strip()


class _Provider(unohelper.Base, XInstanceProvider):
    """What the other end of the pipe asks for first."""

    def __init__(self, context):
        self.context = context

    def getInstance(self, name):
        return self.context if name == "StarOffice.ComponentContext" else None


class _Helper:
    """xltool's Python, started at the first press and kept warm until the office ends."""

    def __init__(self, context):
        self.context = context
        pipe = "xltool" + secrets.token_hex(16)
        self.ready = threading.Event()
        self.waiting = []
        threading.Thread(target=self._accept, args=(pipe,), daemon=True).start()
        command = [_python(), "-I", "-B", "-m", "xltool.excel.hosts.libreoffice.helper"]
        command += ["--pipe", pipe, "--uno", os.path.dirname(uno.__file__)]
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=hidden,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self):
        return self.process.poll() is None

    def press(self, button, document, foot):
        self.waiting.append(foot)
        self.process.stdin.write(f"{button} {document}\n".encode())
        self.process.stdin.flush()

    def _accept(self, pipe):
        """Let exactly one in."""
        manager = self.context.ServiceManager
        acceptor = manager.createInstanceWithContext(
            "com.sun.star.connection.Acceptor", self.context
        )
        connection = acceptor.accept("pipe,name=" + pipe)
        factory = manager.createInstanceWithContext(
            "com.sun.star.bridge.BridgeFactory", self.context
        )
        self.bridge = factory.createBridge("", "urp", connection, _Provider(self.context))
        acceptor.stopListening()

    def _listen(self):
        """`took`: the helper has this press and shows how it goes itself."""
        for line in self.process.stdout:
            if line.strip() == b"took" and self.waiting:
                _end(self.waiting.pop(0))
        complaint = self.process.stderr.read().decode("utf-8", "replace").strip()
        code = self.process.wait()
        for foot in self.waiting:
            _end(foot)
        if code:
            _tell(self.context, FAILED + "\n" + complaint[-500:])


def _end(foot):
    try:
        foot.end()
    except Exception:
        pass


def _tell(context, text):
    manager = context.ServiceManager
    desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    toolkit = manager.createInstanceWithContext("com.sun.star.awt.Toolkit", context)
    frame = desktop.getCurrentFrame()
    window = frame.getContainerWindow() if frame is not None else None
    kind = uno.Enum("com.sun.star.awt.MessageBoxType", "ERRORBOX")
    box = toolkit.createMessageBox(window, kind, 1, TITLE, text)
    box.execute()
    box.dispose()


_helpers = []
_starting = threading.Lock()


def _helper(context):
    with _starting:
        if not _helpers or not _helpers[0].alive:
            _helpers[:] = [_Helper(context)]
        return _helpers[0]


class Buttons(unohelper.Base, XServiceInfo, XInitialization, XDispatchProvider, XDispatch):
    """What LibreOffice asks for `xltool:BUTTON`."""

    def __init__(self, context):
        self.context = context
        self.frame = None

    def initialize(self, given):
        if given:
            self.frame = given[0]

    def queryDispatch(self, url, target, flags):
        return self if url.Protocol == PROTOCOL and url.Path in BUTTONS else None

    def queryDispatches(self, asked):
        return tuple(self.queryDispatch(a.FeatureURL, a.FrameName, a.SearchFlags) for a in asked)

    def dispatch(self, url, arguments):
        button = url.Path
        if button not in BUTTONS or self.frame is None:
            return
        foot = self.frame.createStatusIndicator()
        foot.start(STARTING, 0)
        try:
            document = self.frame.getController().getModel().RuntimeUID
            _helper(self.context).press(button, document, foot)
        except Exception as error:
            _end(foot)
            _tell(self.context, f"{FAILED}\n{error}")

    def addStatusListener(self, listener, url):
        state = FeatureStateEvent()
        state.FeatureURL, state.IsEnabled, state.Source = url, True, self
        listener.statusChanged(state)

    def removeStatusListener(self, listener, url):
        pass

    def getImplementationName(self):
        return NAME

    def supportsService(self, name):
        return name in self.getSupportedServiceNames()

    def getSupportedServiceNames(self):
        return ("com.sun.star.frame.ProtocolHandler",)


g_ImplementationHelper = unohelper.ImplementationHelper()
g_ImplementationHelper.addImplementation(Buttons, NAME, ("com.sun.star.frame.ProtocolHandler",))
