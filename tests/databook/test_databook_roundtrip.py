"""Filings written as a data book of any kind and read back say the same, whatever was written."""

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.seed import EXAMPLE, seed_filing
from tests.support.strategies import amounts, books, entry
from xltool.databook import load_databook, open_databook, write_databook
from xltool.databook.schema import SHIPPED, schema
from xltool.editions.declaration import load_edition
from xltool.model import Filing, Form

KINDS = ["book.xlsx", "book.json", "book"]
BLIND = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", KINDS)
@BLIND
@given(filings=books())
def test_round_trip(tmp_path_factory, name, filings):
    path = tmp_path_factory.mktemp("book") / name
    assert write_databook(filings, path) == []
    book = open_databook(path)
    assert not book.errors
    assert book.filings == filings


@pytest.mark.parametrize("name", KINDS)
def test_the_example_in_every_kind(tmp_path, name):
    write_databook(load_databook(EXAMPLE), tmp_path / name)
    assert load_databook(tmp_path / name) == [seed_filing()]


def test_the_example_is_written_as_it_is_shipped(tmp_path):
    write_databook([seed_filing()], tmp_path / "book")
    for file in EXAMPLE.iterdir():
        assert (tmp_path / "book" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(amount=amounts)
def test_no_amount_loses_a_fen(tmp_path_factory, name, amount):
    path = tmp_path_factory.mktemp("book") / name
    form = Form("department", {"unit": entry("某局"), "total": entry(amount)})
    write_databook([Filing("hunan-2023", form)], path)
    assert load_databook(path)[0].department.amount("total") == amount


def test_the_shipped_schema_is_the_editions():
    assert json.loads(SHIPPED.read_text("utf-8")) == schema(load_edition())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(filings=books())
def test_what_is_written_as_json_follows_the_schema(tmp_path_factory, filings):
    path = tmp_path_factory.mktemp("book") / "book.json"
    write_databook(filings, path)
    jsonschema.Draft202012Validator(schema(load_edition())).validate(
        json.loads(path.read_text("utf-8"))
    )
