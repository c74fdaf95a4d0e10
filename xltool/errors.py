"""What stops the program: one family of exceptions,
and the machine's refusals in a few Chinese words."""

from __future__ import annotations

import errno


class XltoolError(Exception):
    """The program or the machine could not do it: one line in Chinese.
    Faults in data are findings."""


class DiskError(XltoolError):
    """Nothing can be written there any more (disk full, read-only): no use in going on."""


_WORDS = {
    "ENOENT": "没有这个文件或文件夹",
    "EACCES": "没有权限",
    "EPERM": "没有权限",
    "EEXIST": "已经存在",
    "EISDIR": "这是文件夹，不是文件",
    "ENOTDIR": "路径中间有一段不是文件夹",
    "ENOTEMPTY": "文件夹不是空的",
    "ENOSPC": "磁盘已满",
    "EPIPE": "接收的那一头已经关了",
    "EDQUOT": "超过磁盘配额",
    "EROFS": "文件系统是只读的",
    "EFBIG": "文件太大",
    "ENAMETOOLONG": "名称太长",
    "EINVAL": "名称或参数无效",
    "EILSEQ": "名称里有文件系统不认的字",
    "ELOOP": "链接绕成了圈",
    "EMFILE": "同时打开的文件太多",
    "ENFILE": "同时打开的文件太多",
    "ENOMEM": "内存不够",
    "EIO": "磁盘读写出错",
    "EBUSY": "正被别的程序使用",
    "ETXTBSY": "正被别的程序使用",
    "ESTALE": "网络盘断开了",
    "ETIMEDOUT": "网络盘没有回应",
    "EHOSTDOWN": "网络盘断开了",
    "ENODEV": "磁盘不在了",
    "ENXIO": "磁盘不在了",
    "EXDEV": "不能跨磁盘移动",
    "ENOEXEC": "不是能运行的程序",
}
_SAID = {getattr(errno, name): words for name, words in _WORDS.items() if hasattr(errno, name)}
_HELD_OPEN = (32, 33)  # Windows: sharing violation, lock violation


def why(error: Exception) -> str:
    """Why the machine refused: `没有权限`; the error's own words where there are no better ones."""
    if not isinstance(error, OSError):
        return str(error)
    if getattr(error, "winerror", None) in _HELD_OPEN:
        return "正被别的程序打开"
    return _SAID.get(error.errno or 0) or error.strerror or str(error)
