"""Names of files and folders made from texts:
any system takes them, Chinese is kept, none is given twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from xltool.files.discover import FileKind, kind_of

# Windows forbids these.
_FORBIDDEN = frozenset('<>:"/\\|?*')
# Control characters, those that turn the direction of writing or aren't seen, halves of characters.
_UNSEEN = ("Cc", "Cf", "Cs")
# To Windows `CON.局.xlsx` is the console too: what follows the first dot doesn't count.
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.IGNORECASE
)
# At the beginning these hide a file, or say that a program holds one open; at the end Windows drops
# them.
_NOT_FIRST = " .~"
_NOT_LAST = " ."
DISK_BYTES = 255  # of the longest name that a disk of Linux takes
# With its folders a path stays below the 260 characters of old Windows; a name below what a disk
# takes.
LONGEST = 80
_LONGEST_BYTES = 200
NAMELESS = "未命名"


def safe_name(text: str, room: str = "") -> str:
    """A file or folder name made of this text: never empty, a device, hidden or a path.

    Room is left for what will follow it, such as `(2)`.
    """
    name = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    name = "".join(map(_allowed, name)).lstrip(_NOT_FIRST)
    if _DEVICE.match(name):
        name = f"_{name}"
    name = name[: LONGEST - len(room)]
    while len((name + room).encode()) > _LONGEST_BYTES:
        name = name[:-1]
    # Cut names end anew: the dot that now stands last goes too.
    return name.rstrip(_NOT_LAST) or NAMELESS


def _allowed(character: str) -> str:
    unseen = unicodedata.category(character) in _UNSEEN
    return "_" if unseen or character in _FORBIDDEN else character


class TakenNames:
    """The names in use in one folder. Two that differ in case, width or composition only are one on
    some systems, so the second gets a number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._keys = set(map(folded, names))

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._keys

    def take(self, name: str) -> bool:
        """Take this very name, safe or not; False where it is taken."""
        if name in self:
            return False
        self._keys.add(folded(name))
        return True

    def give(self, text: str, suffix: str = "") -> str:
        """A safe name made of `text` that was not given before: `水利局.xlsx`, then `水利局(2).xlsx`."""
        name, number = safe_name(text) + suffix, 1
        # A filing that is called like a report would be passed over as one.
        while name in self or kind_of(name) is FileKind.OWN_REPORT:
            number += 1
            room = f"({number})"
            name = safe_name(text, room) + room + suffix
        self._keys.add(folded(name))
        return name


def folded(name: str) -> str:
    """What two names have in common where a system takes them for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
