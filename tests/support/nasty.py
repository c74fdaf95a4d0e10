"""Texts that a careless report would run, and records full of them."""

import json

from tests.support.records import make_records

NASTY = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1", "  =cmd|'/c calc'!A0", "＝1+1", "=HYPERLINK(\"http://x\",\"y\")",
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "{=1+1}", "http://example.org/",
    "<r><t>x</t></r>",
    "]]>&amp;\"'`", "\u2028\u2029\x07\ufffe", "_x0041_", "{{ 7*7 }}", "甲" * 40_000,
]  # fmt: skip


def nasty_record(text: str) -> dict:
    """A record in which everything that comes out of a file is this text."""
    record = json.loads(json.dumps(next(make_records(1))))
    record |= {"unit": text, "code": text, "file": f"收到/{text[:80]}.xlsx"}
    found = {"code": "P201", "severity": "error", "trial": False, "review": "形式", "cell": "A1"}
    record["findings"] = [
        found
        | dict.fromkeys(("message", "sheet", "field", "found", "expected", "explanation"), text)
    ]
    record["projects"] = [{"sheet": text, "name": text, "budget": "1"}]
    for one in record["indicators"]:
        one |= dict.fromkeys(("sheet", "project", "name", "target"), text)
    record["balance"]["spending"]["causes"] = [text]
    record["balance"]["revenue"]["terms"][0]["label"] = text
    return record
