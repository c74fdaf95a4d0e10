"""Seals: true ones verify, nothing else ever does; parcels are whole or said not to be."""

import shutil
import zipfile
from dataclasses import replace
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from tests.support.campaign import (
    fill_in,
    make_campaign,
    patched,
    sent_workbooks,
    write_units,
)
from tests.support.case import filing_of
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.returns.judgement import Register, judge
from xltool.campaign.returns.verification import verify
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sending import distribution
from xltool.campaign.sending.branch import new_branch, own_fingerprint
from xltool.campaign.sending.distribution import distribute
from xltool.editions.declaration import load_edition
from xltool.errors import XltoolError
from xltool.filling.writer import render
from xltool.xlsx.workbook_reader import open_grid

MARK = seal.Seal(
    campaign="ab12", title="2024年申报", unit="0310205", name="青山县水利局", district="青山县", year=2024,
    edition="hunan-2023", issue=1, layout="0" * 64, prefilled={"department": {"year": "2024"}},
)  # fmt: skip


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys") / "keys"
    keys.make_keys(folder)
    return keys.load_private(folder)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    campaign = make_campaign(tmp_path_factory.mktemp("封"), 2, 3)
    distribute(campaign)
    return campaign


def test_a_seal_verifies_and_says_what_it_seals(key):
    properties = seal.properties_of(MARK, key)
    assert seal.claimed(properties) == MARK
    assert seal.genuine(properties, keys.public_of(key))
    assert max(map(len, properties.values())) <= 255
    assert seal.properties_of(MARK, key) == properties


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_fuzzed_seal_never_verifies(key, data):
    properties = seal.properties_of(MARK, key)
    name = data.draw(st.sampled_from(sorted(properties)))
    text = properties[name]
    kind = data.draw(
        st.sampled_from(["change", "insert", "delete", "swap", "drop", "space", "other"])
    )
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.characters())
    if kind == "change":
        properties[name] = text[:at] + char + text[at + 1 :]
    elif kind == "insert":
        properties[name] = text[:at] + char + text[at:]
    elif kind == "delete":
        properties[name] = text[:at] + text[at + 1 :]
    elif kind == "swap":
        other = data.draw(st.sampled_from(sorted(properties)))
        properties[name], properties[other] = properties[other], text
    elif kind == "drop":
        del properties[name]
    elif kind == "space":
        properties[name] = data.draw(
            st.sampled_from([text + "=", text + " ", text + "\n", " " + text])
        )
    else:
        properties[name] = data.draw(st.text(max_size=300))
    sent = seal.properties_of(MARK, key)
    if properties != sent:
        assert not seal.genuine(properties, keys.public_of(key))
        assert not seal.genuine(properties, keys.public_of(key), {seal.whole_digest(sent)})


def test_a_seal_that_was_issued_is_known_and_one_of_an_earlier_ledger_is_verified(campaign):
    workbooks = sent_workbooks(campaign.folder / "下发" / "第1批")
    workbook, register = min(workbooks.items())[1], Register.of(campaign)
    assert len(register.seals) == len(workbooks)
    assert judge(workbook, "", register).kind == "genuine"
    assert judge(workbook, "", replace(register, seals=frozenset())).kind == "genuine"
    # Nobody else's key makes what is on the list of what was issued.
    own = open_grid(workbook).properties
    forged = {**own, seal.SIGNATURE: own[seal.SIGNATURE][::-1]}
    assert seal.genuine(own, campaign.public_key, register.seals)
    assert not seal.genuine(forged, campaign.public_key, register.seals)


def test_another_key_or_another_message_is_no_seal(key, tmp_path):
    keys.make_keys(tmp_path / "k")
    other = keys.load_private(tmp_path / "k")
    assert not seal.genuine(seal.properties_of(MARK, key), keys.public_of(other))
    # What the same key signed for a manifest is no seal.
    properties = seal.properties_of(MARK, key)
    import base64

    import msgspec

    signature = key.sign(parcel.CONTEXT + msgspec.json.encode(MARK))
    properties[seal.SIGNATURE] = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    assert not seal.genuine(properties, keys.public_of(key))


def test_a_private_key_is_never_written_over(tmp_path):
    keys.make_keys(tmp_path / "k")
    with pytest.raises(FileExistsError):
        keys.make_keys(tmp_path / "k")


def only_parcel(campaign):
    return sorted((campaign.folder / "下发").rglob("*.zip"))[0]


def repacked(source, goal, change):
    files = parcel.read_parcel(source)
    change(files)
    parcel.write_parcel(goal, files)
    return goal


def test_a_parcel_is_genuine_and_whole(campaign, tmp_path):
    result = verify(only_parcel(campaign))
    assert result.good and result.own_key
    assert (result.title, result.year, result.district) == ("批次", 2024, "第1区")
    assert verify(only_parcel(campaign), campaign.public_key).good
    with zipfile.ZipFile(only_parcel(campaign)) as archive:
        archive.extractall(tmp_path / "解开")
    assert verify(tmp_path / "解开").good
    one = next((tmp_path / "解开").glob("*.xlsx"))
    assert verify(one).good
    shutil.copy(one, tmp_path / "独.xlsx")
    with pytest.raises(XltoolError, match="没有公钥"):
        verify(tmp_path / "独.xlsx")


@pytest.mark.parametrize(
    "what", ["missing", "extra", "filled", "manifest", "foreign key", "instruction", "form"]
)
def test_a_parcel_that_was_touched_is_told(campaign, tmp_path, what):
    def change(files):
        name = next(n for n in files if n.startswith("0001"))
        if what == "missing":
            del files[name]
        elif what == "extra":
            files["0009999_假单位.xlsx"] = files[name]
        elif what == "filled":
            files[name] = fill_in(files[name])
        elif what == "manifest":
            files[parcel.MANIFEST] = files[parcel.MANIFEST].replace(
                "第1区".encode(), "第9区".encode(), 1
            )
        elif what == "foreign key":
            keys.make_keys(tmp_path / "other")
            files[parcel.PUBLIC] = (tmp_path / "other" / keys.PUBLIC).read_bytes()
        elif what == "instruction":
            files[parcel.INSTRUCTION] += b"<p>"
        else:
            files[parcel.EDITION[0]] += b"\n"

    assert not verify(repacked(only_parcel(campaign), tmp_path / "改.zip", change)).good


def test_a_workbook_with_a_changed_seal_is_told(campaign, tmp_path):
    blank = next(iter(sent_workbooks(campaign.folder / "下发").values()))
    signature = open_grid(blank).properties[seal.SIGNATURE]
    file = tmp_path / "x.xlsx"
    file.write_bytes(
        patched(blank, "docProps/custom.xml", lambda x: x.replace(signature, signature[::-1]))
    )
    result = verify(file, campaign.public_key)
    assert not result.good and "封印不真" in result.files[0].said


def rewritten(files, /, **changes):
    """The manifest with other content, as somebody without the issuer's key would write it."""
    manifest = parcel.read_manifest(files)
    files[parcel.MANIFEST] = msgspec.json.encode(msgspec.structs.replace(manifest, **changes))


def test_a_parcel_without_the_issuers_signature_is_refused(campaign, tmp_path):
    """Deleting the signature and calling it forwarded, with another edition, other names:
    never genuine."""

    def unsigned(files):
        del files[parcel.SIGNATURE]

    def forwarded(files):
        del files[parcel.SIGNATURE]
        text = msgspec.json.decode(files[parcel.MANIFEST])
        files[parcel.MANIFEST] = msgspec.json.encode({**text, "forwarded": "某县"})

    def other_edition(files):
        del files[parcel.SIGNATURE]
        files[parcel.EDITION[0]] += b"\n# x\n"
        manifest = parcel.read_manifest(files)
        digest = parcel.digest(files[parcel.EDITION[0]])
        rewritten(files, files={**manifest.files, parcel.EDITION[0]: digest})

    for change in (unsigned, forwarded, other_edition):
        path = repacked(only_parcel(campaign), tmp_path / f"{change.__name__}.zip", change)
        result = verify(path)
        assert not result.good and any("没有签名" in f.said for f in result.files)
        with pytest.raises(XltoolError, match="没有签名"):
            new_branch(tmp_path / "台账", path)
        assert not (tmp_path / "台账").exists()


@pytest.mark.parametrize("what", ["name", "district", "issue", "year", "prefilled"])
def test_a_seal_and_its_manifest_must_say_the_same(campaign, tmp_path, what):
    """Even signed by the issuer: a manifest
    that says another thing of a unit than its seal is refused."""

    def change(files):
        manifest = parcel.read_manifest(files)
        one = manifest.units[0]
        if what == "year":
            rewritten(files, year=2031)
        else:
            value = {"issue": 7, "prefilled": {"general": "1"}}.get(what, "别的")
            changed = msgspec.structs.replace(one, **{what: value})
            rewritten(files, units=[changed, *manifest.units[1:]])
        text = files[parcel.MANIFEST]
        files[parcel.SIGNATURE] = campaign.private_key.sign(parcel.CONTEXT + text).hex().encode()

    path = repacked(only_parcel(campaign), tmp_path / "改.zip", change)
    said = [f.said for f in verify(path).files if not f.good]
    assert said and all("封印与清单不一致" in one for one in said)


def test_the_edition_is_in_the_seal(campaign, tmp_path):
    """A declaration of another meaning beside genuine workbooks, without any manifest."""
    files = parcel.read_parcel(only_parcel(campaign))
    name = next(n for n in files if n.startswith("0001"))
    for part in (name, parcel.PUBLIC, *parcel.EDITION):
        (tmp_path / "包" / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "包" / part).write_bytes(files[part])
    assert verify(tmp_path / "包").good
    declared = tmp_path / "包" / parcel.EDITION[0]
    declared.write_bytes(declared.read_bytes() + b"\n# other\n")
    [checked] = verify(tmp_path / "包").files
    assert not checked.good and "不是封印上的那个" in checked.said


# ── passed on ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def district(campaign, tmp_path):
    made = new_branch(tmp_path / "区台账", only_parcel(campaign))
    yield made
    made.ledger.close()


def passed_on(district):
    return [path for _, path, _ in distribute(district).parcels]


def test_a_forwarder_passes_on_a_part_of_what_the_issuer_signed(campaign, district, tmp_path):
    """The issuer's papers stay as they are;
    the part is named, signed by the forwarder, and nothing added."""
    source = parcel.read_parcel(only_parcel(campaign))
    for path in passed_on(district):
        files = parcel.read_parcel(path)
        for name in (parcel.MANIFEST, parcel.SIGNATURE, parcel.PUBLIC, *parcel.EDITION):
            assert files[name] == source[name]
        result = verify(path, campaign.public_key)
        assert result.good and result.forwarder == "第1区"
        assert result.forwarder_fingerprint == own_fingerprint(district)
    below = new_branch(tmp_path / "下级", path)
    assert {u.code for u in below.ledger.units()} == {n[:7] for n in files if n.startswith("000")}
    below.ledger.close()


@pytest.mark.parametrize(
    "what", ["missing", "claimed part", "other key", "unsigned", "other manifest", "added"]
)
def test_what_a_forwarder_may_not_do_is_refused(district, tmp_path, what):
    path = passed_on(district)[0]

    def change(files):
        said = parcel.read_forwarding(files)
        if what == "missing":
            del files[said.part[0]]
            return
        if what == "added":
            files["通知.html"] = b"<p>"
            return
        if what == "unsigned":
            del files[parcel.FORWARD_SIGNATURE]
            return
        if what == "claimed part":
            said = msgspec.structs.replace(said, part=[*said.part, "0009999_假.xlsx"])
        elif what == "other manifest":
            said = msgspec.structs.replace(said, manifest="0" * 64)
        text = msgspec.json.encode(said)
        files[parcel.FORWARDING] = text if what != "other key" else files[parcel.FORWARDING] + b" "

    assert not verify(repacked(path, tmp_path / "改.zip", change)).good


def test_what_a_forwarder_adds_needs_its_key_named_once(campaign, tmp_path):
    district = new_branch(
        tmp_path / "区台账", only_parcel(campaign), issuer="第1区财政局", deadline="2024-01-10"
    )
    path = passed_on(district)[0]
    result = verify(path)
    assert not result.good and any("--trust" in f.said for f in result.files)
    with pytest.raises(XltoolError, match="--trust"):
        new_branch(tmp_path / "下级", path)
    fingerprint = own_fingerprint(district)
    assert verify(path, trusted=[fingerprint.replace(" ", "").upper()]).good
    below = new_branch(tmp_path / "下级", path, trusted=[fingerprint])
    assert below.deadline == "2024-01-10"
    with pytest.raises(XltoolError, match="没有指纹"):
        new_branch(tmp_path / "又", only_parcel(campaign), trusted=["0" * 20])
    assert not (tmp_path / "又").exists()
    below.ledger.close()
    district.ledger.close()


class InGbk(zipfile.ZipInfo):
    """An entry whose name is in GBK without any word of it."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("gb18030"), self.flag_bits & ~0x800


@pytest.mark.parametrize(
    "how", ["flat gbk", "folder gbk", "mac", "unpacked", "unpacked in a folder"]
)
def test_a_parcel_packed_again_is_a_parcel(campaign, tmp_path, how):
    """rezip.py: unpacked and packed by other programs, with a folder on top and litter in it."""
    import io

    files = parcel.read_parcel(only_parcel(campaign))
    top = "" if how in ("flat gbk", "unpacked") else "第1区/"
    if how.startswith("unpacked"):
        path = tmp_path / "解开"
        for name, data in files.items():
            (path / top / name).parent.mkdir(parents=True, exist_ok=True)
            (path / top / name).write_bytes(data)
    else:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in files.items():
                entry = f"{top}{name}"
                if "gbk" in how:  # as Windows does: bytes in GBK and no word of it
                    archive.writestr(InGbk(entry), data)
                else:
                    archive.writestr(entry, data)
                    archive.writestr(f"__MACOSX/{top}._{name}", b"x")
        path = tmp_path / "再压.zip"
        path.write_bytes(out.getvalue())
    assert verify(path).good
    made = new_branch(tmp_path / "台账", path)
    assert len(made.ledger.units()) == 3
    made.ledger.close()


def test_a_parcel_is_verified_one_file_at_a_time(campaign, tmp_path, monkeypatch):
    """A folder of any size is verified; only who wants all of it at once is refused."""
    with zipfile.ZipFile(only_parcel(campaign)) as archive:
        archive.extractall(tmp_path / "解开")
    monkeypatch.setattr(parcel, "MOST_BYTES", 20_000)
    assert verify(tmp_path / "解开", campaign.public_key).good
    with pytest.raises(XltoolError, match="过大"):
        parcel.open_parcel(tmp_path / "解开")


def test_papers_are_read_once_and_other_files_each_time():
    read: list[str] = []

    def reader(name):
        return lambda: read.append(name) or name.encode()

    files = parcel.FilesOnDemand({n: reader(n) for n in (parcel.MANIFEST, "甲.xlsx", "乙.xlsx")})
    assert [files[parcel.MANIFEST], files[parcel.MANIFEST]] == [parcel.MANIFEST.encode()] * 2
    assert [data.decode() for data in files.values()] == list(files)
    assert (files["甲.xlsx"], "丙" in files, len(files)) == ("甲.xlsx".encode(), False, 3)
    assert read == [parcel.MANIFEST, "甲.xlsx", "乙.xlsx", "甲.xlsx"]


def test_the_authority_over_a_project_is_for_the_unit_to_fill_in(tmp_path):
    """On the national forms it is another unit: only the unit's own name is printed and sealed."""
    edition = load_edition("national-2021")
    units = write_units(
        tmp_path / "u.xlsx", [["001", "水利站", "甲区"]], ["部门编码", "部门名称", "区县"]
    )
    campaign = new_campaign(tmp_path / "批次", year=2024, edition=edition.id, units=units)
    distribute(campaign)
    [blank] = sent_workbooks(campaign.folder / "下发").values()
    properties = open_grid(blank).properties
    sealed = seal.claimed(properties).prefilled
    assert {form: set(fields) for form, fields in sealed.items()} == {
        "department": {"year", "unit", "filer"}, "project": {"year", "unit", "filer"},
    }  # fmt: skip
    own = {"unit": "水利站", "filer": "水利站"}
    said = {"edition": edition.id, "department": own, "project": {**own, "authority": "水利局"}}
    ours = ("xltool.edition", "xltool.form", "xltool.unit_code")
    kept = {key: value for key, value in properties.items() if key not in ours}
    filing = replace_struct(filing_of(said), code="001")
    filled = render(filing, edition=edition, properties=kept, locked=sealed)
    judged = judge(filled, "a.xlsx", Register.of(campaign))
    assert (judged.kind, judged.findings) == ("genuine", ())


def test_workbooks_of_the_first_version_are_not_sent_anew(tmp_path, monkeypatch):
    """It sealed the unit's own name as the authority's. What is out stays in force."""
    units = write_units(
        tmp_path / "u.xlsx", [["001", "水利站", "甲区"]], ["部门编码", "部门名称", "区县"]
    )
    campaign = new_campaign(tmp_path / "批次", year=2024, edition="national-2021", units=units)
    monkeypatch.setattr(distribution, "prefill", partial(distribution.prefill, as_before=True))
    distribute(campaign)
    [sent] = sent_workbooks(campaign.folder / "下发").values()
    monkeypatch.undo()
    assert distribute(campaign).units == 0
    [(_, again, _)] = distribution.send_again(campaign, tmp_path / "再发", ["001"])
    [remade] = sent_workbooks(again.parent).values()
    assert remade == sent
