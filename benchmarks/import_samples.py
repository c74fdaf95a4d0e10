"""Count what `xltool import` finds in a folder of published texts, one line a file.

    python benchmarks/import_samples.py FOLDER

Found and left are counted here; missed and wrong can only be judged by reading the document beside
the report (`xltool import FILE --values`). docs/import.md holds such a judgement.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xltool.importing import import_files


def main(folder: Path) -> None:
    print("file\tfields\tindicator_values\thigh\tmedium\tlow\tleft")
    totals = [0] * 6
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        result = import_files([path])
        inside = sum(" · " in one.field for one in result.values)
        sure = [sum(one.sure.value == level for one in result.values) for level in "高中低"]
        row = [
            len(result.values) - inside,
            inside,
            *sure,
            len(result.leftovers) + len(result.unread),
        ]
        totals = [a + b for a, b in zip(totals, row, strict=True)]
        print(path.stem, *row, sep="\t")
    print("total", *totals, sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
