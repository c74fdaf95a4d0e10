"""What a seal says of the template that was sent: its look in 64 digits."""

from __future__ import annotations

import hashlib
import json

from xltool.editions.declaration import Edition
from xltool.template.layout import load_layout


def layout_fingerprint(edition: Edition) -> str:
    """What the template looks like: its official text, its merges, where its inputs stand."""
    look = [
        [
            kind,
            sorted([row, column, text] for (row, column), text in form.static.items()),
            sorted(str(area) for area in form.sheet.merges),
            sorted([label, str(area)] for label, area in form.areas.items()),
        ]
        for kind, form in sorted(load_layout(edition).forms.items())
    ]
    return hashlib.sha256(json.dumps(look, ensure_ascii=False).encode()).hexdigest()
