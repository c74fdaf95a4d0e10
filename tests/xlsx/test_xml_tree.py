"""A part parsed and written back says the same, prefixes and all."""

import pytest

from xltool.xlsx.package import MAX_DEPTH, Unreadable
from xltool.xlsx.xml_tree import SubElement, parse, to_bytes

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SAME = [
    f'<a xmlns="{MAIN}" xmlns:mc="urn:mc" xmlns:x14ac="urn:ac" mc:Ignorable="x14ac"><c x14ac:d="1"/></a>',
    '<x:a xmlns:x="urn:x"><x:b> 甲 &amp; &lt;乙&gt;&#13;</x:b> 尾 </x:a>',
    '<a xmlns="urn:1"><b xmlns="urn:2"><c/></b><d k="&quot;&#10;&#9;&lt;"/></a>',
    '<a xmlns="urn:1"><b xmlns=""><c/></b></a>',
    '<a xmlns="urn:1"><ext xmlns:p="urn:p" uri="{1}"><p:q p:r="1"/></ext><ext xmlns:p="urn:q"><p:q/></ext></a>',
    '<a xml:space="preserve"> </a>',
]


@pytest.mark.parametrize("text", SAME)
def test_a_part_is_written_as_it_was(text):
    assert to_bytes(parse(text.encode())).decode().partition("\n")[2] == text


def test_what_is_added_gets_a_prefix_that_stands_for_its_namespace():
    root = parse(b'<a xmlns="urn:1" xmlns:p="urn:2"/>')
    SubElement(root, "{urn:2}b", {"{urn:3}k": "1", "plain": "2"})
    SubElement(root, "none")
    written = to_bytes(root)
    assert b'<p:b xmlns:ns0="urn:3" ns0:k="1" plain="2"/>' in written
    assert b'<none xmlns=""/>' in written
    assert [child.tag for child in parse(written)] == ["{urn:2}b", "none"]


def test_comments_and_instructions_are_left_out():
    root = parse(
        "<?xml version='1.0'?><!-- 一 --><a>甲<!-- 二 -->乙<?do it?>丙<b/>丁<!-- 三 -->戊</a>".encode()
    )
    assert (root.text, root[0].tail, len(root)) == ("甲乙丙", "丁戊", 1)


def test_utf_16_is_read():
    assert parse("<a>甲</a>".encode("utf-16")).text == "甲"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<a>", b"<a></b>", b"<a>&x;</a>", b'<p:a/>', b"<a>\xff</a>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>" * (MAX_DEPTH + 1),
    ],
)  # fmt: skip
def test_what_is_no_sound_xml_is_refused(data):
    with pytest.raises(Unreadable):
        parse(data)
