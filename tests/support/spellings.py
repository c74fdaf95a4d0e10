"""A sound sheet, one to three of whose cells were spelled or formatted otherwise:
the same for a seed.

Mutants come in packs: those of one pack share their styles, so that one workbook can hold all their
sheets for another program to read at once (`Pack.together`), while each is a whole filing, too
(`Pack.alone`). (Not asked: `_x0041_` in a text, which Excel takes for A and LibreOffice as it
stands.)
"""

from __future__ import annotations

import random
import re

from tests.support.packages import STYLES, formatted, packed, parts_of, repacked

SHEET = "xl/worksheets/sheet1.xml"
BOOK, RELS, TYPES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"

VALUES = ["5", "7.25", "1000", "1E3", "0.1", "5.0000000000000003E-2", "1245.6100000000001", "-3", "45291",
          "0.97916666666666663", "0.5", "59", "12345678.9", "31731700", "0", "42", "123456789.123456",
          "0.33333333333333331", "430981000001", "-0.004"]  # fmt: skip
FORMATS = ["General", "0", "0.00", "#,##0.00", "0%", "0.0%", '"≥"0"座"', "0\\.0000", "0.00,", ";;;", '"9999.99"',
           '"2"0.00', '0.00"万元"', "0.00;[Red]0.00", 'yyyy"年"m"月"d"日"', 'm"月"d"日"', "0.00_ ", "h:mm",
           "[<100]0.0;0.00", "@", '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ',
           'yyyy"年"m"月"', '"约"General', "0.00E+00", "0.00_);(0.00)", '"≥"@', "[=0]\"无\";0.00"]  # fmt: skip
SPELLINGS = [
    "<c{at}><v>{value}</v></c>",
    "<c{at}><v>{value}</v></c>",
    "<c{at}><v> {value}\n</v></c>",
    '<c{at} t="str"><v>{value}</v></c>',
    '<c{at} t="inlineStr"><is><r><t>{value}</t></r><r><t>万元</t></r></is></c>',
    '<c{at} t="inlineStr"><is><t>{value}</t><rPh sb="0" eb="1"><t>9</t></rPh></is></c>',
    '<c{at}><v>{value}</v><extLst><ext uri="u"><v>9</v></ext></extLst></c>',
    "<c{at}><f>{value}</f><v>{value}</v></c>",
    "<!-- <c r=\"A1\"><v>9</v></c> --><c{at}><v><![CDATA[{value}]]></v></c>",
    '<c{at} t="b"><v>1</v></c>',
    '<c{at} t="inlineStr"><is><t>12月31日前</t></is></c>',
]  # fmt: skip
_CELL = re.compile(r'<c r="([B-F](?:[4-9]|[1-9]\d))"( s="\d+")?[^>]*?(?:/>|>.*?</c>)')


class Pack:
    """Mutants of one workbook's first sheet that share their styles;
    number 0 is the sound sheet itself.

    `changed` are the cells of each that were spelled otherwise.
    """

    def __init__(self, workbook: bytes, chance: random.Random, count: int) -> None:
        self.workbook = workbook
        self.parts = parts_of(workbook)
        self.styles = self.parts[STYLES]
        self.sheets = [self.parts[SHEET]]
        self.changed: list[set[str]] = [set()]
        for _ in range(count):
            self._add(chance)

    def _add(self, chance: random.Random) -> None:
        sheet, changed = self.parts[SHEET], set()
        for _ in range(chance.randint(1, 3)):
            cell = chance.choice(list(_CELL.finditer(sheet)))
            style = cell[2] or ""
            if chance.random() < 0.6:
                style = f' s="{self._formatted(style, chance.choice(FORMATS))}"'
            spelled = chance.choice(SPELLINGS)
            new = spelled.format(at=f' r="{cell[1]}"{style}', value=chance.choice(VALUES))
            sheet = sheet[: cell.start()] + new + sheet[cell.end() :]
            changed.add(cell[1])
        self.sheets.append(sheet)
        self.changed.append(changed)

    def _formatted(self, style: str, code: str) -> int:
        """The number of a new cell style: this one with another number format."""
        number = int(style.strip(' s="') or 0)
        self.styles, new = formatted(self.styles, number, code)
        return new

    def alone(self, number: int) -> bytes:
        """A mutant as a filing of its own."""
        changed = {SHEET: self.sheets[number].encode(), STYLES: self.styles.encode()}
        return repacked(self.workbook, **changed)

    def together(self) -> bytes:
        """All mutants as the sheets of one workbook, named by their numbers."""
        numbers = range(len(self.sheets))
        kept = ("_rels/.rels", "xl/sharedStrings.xml", "xl/theme/theme1.xml")
        parts = {name: self.parts[name] for name in kept} | {STYLES: self.styles}
        parts |= {f"xl/worksheets/many{n}.xml": _bare(self.sheets[n]) for n in numbers}
        for name, element, one in (
            (BOOK, "sheets", '<sheet name="{0}" sheetId="{1}" r:id="many{0}"/>'),
            (RELS, "Relationships", _RELATION),
            (TYPES, "Types", _TYPE),
        ):
            listed = "".join(one.format(number, number + 1) for number in numbers)
            parts[name] = _with_many(self.parts[name], element, listed)
        return packed(parts)


def _bare(sheet: str) -> str:
    """A sheet without what is no cell: it would only take the other programs longer."""
    return re.sub(r"</sheetData>.*", "</sheetData></worksheet>", sheet, flags=re.DOTALL)


_RELATION = (
    '<Relationship Id="many{0}" Target="worksheets/many{0}.xml" Type="http://schemas.openxmlformats.org'
    '/officeDocument/2006/relationships/worksheet"/>'
)
_TYPE = (
    '<Override PartName="/xl/worksheets/many{0}.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.spreadsheetml.worksheet+xml"/>'
)


def _with_many(text: str, element: str, listed: str) -> str:
    """A part that lists sheets, with many others in the place of its own."""
    text = re.sub(r"<definedNames>.*?</definedNames>", "", text)
    text = re.sub(
        r"<(?:sheet|Relationship|Override) [^>]*?(?:worksheets?/|sheetId)[^>]*?/>", "", text
    )
    text = re.sub(r'<Override PartName="/docProps[^>]*?/>', "", text)
    return text.replace(f"</{element}>", f"{listed}</{element}>")
