"""What the worker processes of the pool's tests do: importable, so that clean processes find it."""

import os
import time

from xltool.errors import DiskError, XltoolError

_given: list[str] = []


def set_up(text: str) -> None:
    _given.append(text)


def told(item: int) -> str:
    return f"{item} {_given[0]}"


def faulty(item: int) -> int:
    """Twice the item; each number that is odd goes wrong in a way of its own."""
    if item == 7:
        time.sleep(60)
    if item == 11:
        os._exit(9)
    if item == 13:
        bytearray(4 << 30)
    if item == 17:
        raise ValueError("坏了")
    if item == 19:
        raise XltoolError("没有这个版式")
    if item == 23:
        raise PermissionError(13, "denied", "甲.xlsx")
    if item == 29:
        raise RecursionError("deep")
    return item * 2


def killing(item: int) -> int:
    """Twice the item; 11 ends its process."""
    if item == 11:
        os._exit(9)
    return item * 2


def disk_full(item: int) -> int:
    if item == 3:
        raise DiskError("磁盘已满")
    return item
