"""A large data book cut into small ones,
so that many workers share it and a killed run goes on inside it.

The book is opened once and is never whole in memory; its sound units lie in OUT's `.xltool/parts`,
a hundred a file, as JSON data books. A changed book gives the same parts but for those whose units
changed, so only they are done again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from xltool.batch.inputs import STATE, Item, part_key
from xltool.batch.outlet import Outlet
from xltool.batch.storage import StorageFolder
from xltool.databook.write import databook_json
from xltool.model import Filing, Finding

# Units in a part.
PART = 100


def cut(
    item: Item,
    filings: Iterable[Filing],
    names: Mapping[str, str],
    remarks: Mapping[str, Sequence[Finding]],
    outlet: Outlet,
) -> Iterator[Item]:
    """Write the parts of a book below OUT; each as an input of its own. Raises XltoolError."""
    whole = iter(filings)
    number = 0
    while part := list(islice(whole, PART)):
        number += 1
        name, data = _file(item.key, number), databook_json(part)
        outlet.put_own(name, data)
        yield Item(
            part_key(item.key, number),
            outlet.folder.at(name),
            item.own,
            size=len(data),
            origin=item.key,
            part=number,
            names={filing.unit: names[filing.unit] for filing in part},
            remarks=tuple(
                (f.unit, plain(remark)) for f in part for remark in remarks.get(f.unit, ())
            ),
        )


def _file(key: str, number: int) -> str:
    """Where in OUT a part of the book with this key lies."""
    book = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    return f"{STATE}/parts/{book}/{number:05}.json"


def placed(parts: Iterable[Item], outside: StorageFolder) -> list[Item]:
    """Parts that were cut earlier, where they lie now: OUT may have been moved since."""
    return [replace(part, path=outside.at(_file(part.origin, part.part))) for part in parts]


def plain(finding: Finding) -> Finding:
    """A problem of a data book as the finding it is: the journal holds no other kind."""
    return Finding(**{field: getattr(finding, field) for field in Finding.__struct_fields__})
