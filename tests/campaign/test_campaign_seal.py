"""Seals: true ones verify, nothing else ever does; parcels are whole or said not to be."""

import shutil
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.campaign import fill_in, make_campaign, patched, sent_workbooks
from xltool.campaign.returns.verification import verify
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sending.distribution import distribute
from xltool.errors import XltoolError
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
    if properties != seal.properties_of(MARK, key):
        assert not seal.genuine(properties, keys.public_of(key))


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


def unsigned(files, name, data):
    """As a forwarded parcel: the manifest names the file's digest, and nobody signed it."""
    import msgspec

    files[name] = data
    manifest = parcel.read_manifest(files)
    listed = {**manifest.files, name: parcel.digest(data)}
    files[parcel.MANIFEST] = msgspec.json.encode(
        msgspec.structs.replace(manifest, files=listed, forwarded="某县")
    )
    del files[parcel.SIGNATURE]


@pytest.mark.parametrize("what", ["nothing", "amount", "label"])
def test_a_forwarded_workbook_is_held_against_its_seal(campaign, tmp_path, what):
    """The forwarded manifest is not signed, so the workbook itself must show what was changed in it."""
    from tests.support.faults import FAULTS, Sent

    name, blank = next(
        (n, d) for n, d in parcel.read_parcel(only_parcel(campaign)).items() if n.startswith("0")
    )
    sent = Sent("0001001", "第1区第1局", blank, "", "", b"")
    kinds = {"amount": "changed_prefilled_amount", "label": "label_edited"}
    data = FAULTS[kinds[what]].make(sent)[1] if what in kinds else blank
    path = repacked(
        only_parcel(campaign), tmp_path / "转.zip", lambda files: unsigned(files, name, data)
    )
    result = verify(path)
    assert result.good is (what == "nothing")
    (tmp_path / "独").mkdir()
    (tmp_path / "独" / name).write_bytes(data)
    [alone] = verify(tmp_path / "独" / name, campaign.public_key).files
    assert alone.good is (what == "nothing")
    if what != "nothing":
        assert "改动" in alone.said
