"""`xltool distribute --page`:
the page lies in each parcel, fit for the campaign, and is vouched for."""

import io
import zipfile

import pytest

from tests.support.campaign import fill_in, make_campaign
from tests.support.page import NODE, WHEELS, InChromium
from xltool.campaign.sealing import parcel
from xltool.cli import main


@pytest.fixture
def parcels(runtime_parts, tmp_path, monkeypatch):
    make_campaign(tmp_path, 2, 1).ledger.close()
    monkeypatch.chdir(tmp_path / "批次")
    places = [f"--runtime={NODE / 'node_modules'}", f"--runtime={WHEELS}"]
    assert main(["distribute", "--page", *places]) == 0
    return sorted((tmp_path / "批次" / "下发").rglob("*.zip"))


def test_the_page_lies_in_each_parcel_and_is_signed(parcels, capsys):
    assert len(parcels) == 2
    for path in parcels:
        files = parcel.read_parcel(path)
        page = files[parcel.PAGE].decode()
        assert parcel.read_manifest(files).files[parcel.PAGE] == parcel.digest(files[parcel.PAGE])
        assert page.startswith("<!doctype html>")
        assert f"<code>{parcel.PAGE}</code>" in files[parcel.INSTRUCTION].decode()
    assert main(["verify", *map(str, parcels)]) == 0
    # Who returns the whole parcel returns the page too: it is no filing, and nobody wonders at it.
    assert main(["collect", *map(str, parcels)]) in (0, 1)
    assert parcel.PAGE not in capsys.readouterr().out


def test_without_it_no_word_is_said_of_it(tmp_path, monkeypatch):
    make_campaign(tmp_path, 1, 1).ledger.close()
    monkeypatch.chdir(tmp_path / "批次")
    assert main(["distribute"]) == 0
    [path] = (tmp_path / "批次" / "下发").rglob("*.zip")
    files = parcel.read_parcel(path)
    assert parcel.PAGE not in files and parcel.PAGE not in files[parcel.INSTRUCTION].decode()


@pytest.mark.xdist_group("browser")
def test_it_knows_the_campaigns_key(parcels, _chromium, tmp_path):
    files = parcel.read_parcel(parcels[0])
    (tmp_path / "审核.html").write_bytes(files[parcel.PAGE])
    name = next(n for n in files if n.endswith(".xlsx") and "/" not in n)
    filled = fill_in(files[name])
    (tmp_path / name).write_bytes(filled)
    forged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(filled)) as old, zipfile.ZipFile(forged, "w") as new:
        for part in old.namelist():
            data = old.read(part)
            new.writestr(part, data.replace(b"xltool.signature", b"xltool.signaturf"))
    (tmp_path / "改.xlsx").write_bytes(forged.getvalue())
    one = InChromium(_chromium, tmp_path / "审核.html")
    one.ready()
    one.judge([tmp_path / name])
    assert "封印为真" in one.text("#single .seal")
    one.judge([tmp_path / "改.xlsx"])
    assert "封印有问题" in one.text("#single .seal")
    one.click('[data-room="about"]')
    assert "本页自带的公钥" in one.text("#key")
    one.close()
