"""`xltool distribute`, `verify`, `collect`, `status`, `rollup`:
what goes out and what comes back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xltool.cli._campaign import (
    as_json_option,
    doubt_deadlines,
    file_type,
    folder_type,
    opened,
    progress,
    table,
    telling_void,
    there_type,
    trust_option,
    where,
)
from xltool.cli._command import command, force_option
from xltool.cli._output import echo, echo_json
from xltool.cli.page import runtime_option
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.files.display import first_few
from xltool.files.escape import on_terminal

if TYPE_CHECKING:
    from xltool.campaign.ledger.campaign_folder import Campaign
    from xltool.campaign.returns.collection import Collected, Receipt
    from xltool.campaign.returns.status import Standing, Status
    from xltool.campaign.returns.verification import Verified


@command()
@where
@click.argument("codes", metavar="[部门编码…]", nargs=-1)
@click.option("--district", "districts", multiple=True, help="只发这个区县（可以写几次）。")
@click.option(
    "--again", is_flag=True, help="丢了压缩包：这些单位或区县的，原样再发一份，不算又下发。"
)
@click.option(
    "-o", "--output", type=folder_type, help="写到哪个文件夹（默认批次文件夹里的“下发”）。"
)
@click.option(
    "--page", "with_page", is_flag=True, help="每个压缩包里放一个审核网页（见 xltool page）。"
)
@runtime_option
@force_option
def distribute(
    folder: Path,
    codes: Sequence[str],
    districts: Sequence[str],
    again: bool,
    output: Path | None,
    with_page: bool,
    runtime_paths: tuple[Path, ...],
) -> None:
    """下发：每个单位一个预填、锁定、加封的工作簿，每个区县一个压缩包；再运行只发有变动的。

    丢了压缩包：distribute --again 部门编码，或 distribute --again --district 区县。
    """
    from xltool.campaign.returns.deadlines import Deadlines
    from xltool.campaign.sealing.keys import fingerprint
    from xltool.campaign.sending.distribution import distribute as send

    if again and not (codes or districts):
        raise click.UsageError("--again 要写明部门编码或 --district 区县")
    if codes and not again:
        raise click.UsageError("指明单位只用于 --again（原样再发）；有变动的单位不用指明")
    with opened(folder) as campaign, progress("下发") as seen:
        page = _page(campaign, runtime_paths) if with_page else None
        if again:
            _send_again(campaign, codes, districts, output, page)
            return
        with telling_void(campaign):
            sent = send(campaign, output, districts, seen, page)
        key_print = fingerprint(campaign.public_key)
        if sent.units:
            doubt_deadlines(campaign, Deadlines.of(campaign).days)
    for district, path, count in sent.parcels:
        echo(f"{district}：{count} 个单位 → {path}")
    if sent.units:
        echo(f"第 {sent.batch} 批：下发 {sent.units} 个单位，{len(sent.parcels)} 个压缩包")
        echo(f"公钥指纹：{key_print}（用电话或正式文件告诉收包的人）")
    echo(f"没有变动的 {sent.unchanged} 个单位不再下发" if sent.unchanged else "全部下发完毕")
    if sent.locked:
        named = first_few(sent.locked, 20)
        echo(f"已核准的 {len(sent.locked)} 个单位有变动，没有下发，要先 campaign reopen：{named}")


def _page(campaign: Campaign, runtime_paths: tuple[Path, ...]) -> bytes:
    """The page with what belongs to the campaign: its edition, its settings, its public key.

    Raises XltoolError in a district's ledger, which passes on what the issuer sent.
    """
    if campaign.branch:
        raise XltoolError(
            "下级台账原样转发，不能另放网页：上级放了的会带着；没有的，用 xltool page 做一个，另外发"
        )
    from xltool.page.build import page
    from xltool.page.runtime import runtime

    return page(
        runtime(runtime_paths),
        edition=campaign.edition_folder,
        settings=campaign.settings_file,
        key=campaign.public_pem,
    )


def _send_again(
    campaign: Campaign,
    codes: Sequence[str],
    districts: Sequence[str],
    output: Path | None,
    page: bytes | None,
) -> None:
    from xltool.campaign.returns.deadlines import Deadlines
    from xltool.campaign.sending.distribution import send_again

    destination = output or campaign.folder / "下发" / "再发"
    for district, path, count in send_again(campaign, destination, codes, districts, page):
        echo(f"再发 {district}：{count} 个单位 → {path}")
    doubt_deadlines(campaign, Deadlines.of(campaign).days)


@command()
@click.argument(
    "paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--key", type=there_type, help="公钥文件（默认用包里的公钥，并提醒核对指纹）。")
@trust_option
@as_json_option
def verify(paths: Sequence[Path], key: Path | None, trusted: Sequence[str], as_json: bool) -> int:
    """核对收到的压缩包或工作簿：是否为真、是否完整、出自哪个批次。

    退出码：0 为真而完整，1 不是，2 没能运行。
    """
    from xltool.campaign.returns.verification import verify as look
    from xltool.campaign.sealing.keys import load_public

    public = load_public(key.read_bytes()) if key else None
    results = [look(parcel, public, trusted) for path in paths for parcel in _parcels(path)]
    if as_json:
        echo_json([_verified(result) for result in results])
    else:
        for result in results:
            _show_verified(result)
    return 0 if all(result.good for result in results) else 1


def _parcels(path: Path) -> Sequence[Path]:
    """The parcels in a folder of them; anything else is looked at as it is."""
    from xltool.campaign.sealing.parcel import MANIFEST
    from xltool.files.discover import FileKind, below

    if not path.is_dir() or any(path.rglob(MANIFEST)):
        return [path]
    return [file.path for file in below(path) if file.kind is FileKind.ARCHIVE] or [path]


def _verified(result: Verified) -> dict[str, Any]:
    return {
        "path": str(result.path),
        "good": result.good,
        "campaign": result.title,
        "year": result.year,
        "district": result.district,
        "fingerprint": result.fingerprint,
        "key_from_parcel": result.own_key,
        "forwarder": result.forwarder,
        "forwarder_fingerprint": result.forwarder_fingerprint,
        "files": [
            {"name": file.name, "good": file.good, "said": file.said} for file in result.files
        ],
    }


def _show_verified(result: Verified) -> None:
    wrong = [file for file in result.files if not file.good]
    what = (
        f"{result.title}（{result.year} 年）{result.district}"
        if result.title
        else "不知出自哪个批次"
    )
    echo(f"{result.path}：{what}")
    for file in wrong or result.files[:1]:
        echo(f"  {'√' if file.good else '×'} {on_terminal(file.name)}：{on_terminal(file.said)}")
    workbooks = sum(
        file.name.endswith(".xlsx") and "/" not in file.name and file.good for file in result.files
    )
    echo(f"  {len(result.files)} 个文件，{len(wrong)} 个有问题；工作簿 {workbooks} 个为真")
    echo(
        f"  公钥指纹：{result.fingerprint}"
        + ("（公钥在包里，请与发文单位核对指纹）" if result.own_key else "")
    )
    if result.forwarder:
        forwarder = on_terminal(result.forwarder)
        echo(f"  由“{forwarder}”转发，转发公钥指纹：{result.forwarder_fingerprint}")
    echo("  结论：" + ("为真，完整" if result.good else "有问题，不要使用有问题的文件"))


@command()
@where
@click.argument(
    "paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--pristine",
    type=folder_type,
    help="把采用的申报的数值另写到全新的官方模板上，放进这个文件夹。",
)
@click.option(
    "--received",
    type=click.DateTime(["%Y-%m-%d"]),
    help="哪一天收到的，如 2024-01-18（默认看每个文件自己的时间）；逾期按它算。",
)
@trust_option
@as_json_option
@force_option
def collect(
    folder: Path,
    paths: Sequence[Path],
    pristine: Path | None,
    received: Any,
    trusted: Sequence[str],
    as_json: bool,
) -> int:
    """收取：文件、文件夹、压缩包（可以套着），凭封印认单位，核真、审核、入台账；再收一次不会有任何变化。

    退出码：0 都收下且没有错误，1 有错误或有打不开的，2 没能运行。
    """
    from xltool.campaign.ledger.trusted_keys import trust
    from xltool.campaign.returns.collection import collect as take_in

    with opened(folder) as campaign, progress("收取") as seen:
        trust(campaign, trusted)
        names = {unit.code: unit.name for unit in campaign.ledger.units()}
        day = received.date() if received else None
        result = take_in(campaign, paths, received=day, pristine=pristine, progress=seen)
    if as_json:
        echo_json(_collected(result))
    else:
        _show_collected(result, names)
    return int(any(r.verdict == "error" for r in result.new) or bool(result.problems))


def _collected(result: Collected) -> dict[str, Any]:
    keys = ("name", "outcome", "kind", "unit", "claimed", "version", "verdict", "first")
    return {
        "receipts": [{key: getattr(receipt, key) for key in keys} for receipt in result.receipts],
        "problems": [{"name": name, "reason": reason} for name, reason in result.problems],
        "skipped": result.skipped,
        "pristine": result.pristine,
        "pristine_copies": result.copies,
        "withdrawn": result.withdrawn,
        "still_counted": result.still_counted,
        "withdrawal_lifted": result.lifted,
        "not_owed": result.not_owed,
        "locked": result.locked,
        "unchanged": result.unchanged,
        "questions": result.questions,
    }


# So many faulty returns are listed on the screen.
_MOST_LISTED = 40


def _show_faulty(faulty: Sequence[Receipt], names: dict[str, str]) -> None:
    from xltool.campaign.returns.judgement import KINDS
    from xltool.checks.results import VERDICTS

    rows = [
        [
            receipt.name.rpartition("/")[2],
            _called(receipt.unit, names),
            KINDS[receipt.kind],
            VERDICTS[receipt.verdict],
            receipt.first,
        ]
        for receipt in faulty[:_MOST_LISTED]
    ]
    if rows:
        table(["文件", "单位", "封印", "结论", "第一处问题"], rows)
    if more := len(faulty) - len(rows):
        echo(f"……另有 {more} 份有错误，见 xltool status --by-unit 和退回意见")


def _show_collected(result: Collected, names: dict[str, str]) -> None:
    _show_faulty([receipt for receipt in result.new if receipt.verdict == "error"], names)
    copies = [r for r in result.receipts if r.outcome == "重复" and r.first]
    _show_some("重复", [f"{copy.name} {copy.first}" for copy in copies])
    answers = [receipt for receipt in result.receipts if receipt.outcome == "答复" and receipt.unit]
    _show_some("答复", [f"{a.name}：{_called(a.unit, names)} {a.first}" for a in answers])
    for name, reason in result.problems:
        echo(f"没有收取：{name}：{reason}", err=True)
    _show_units(result, names)
    _show_counts(result)


def _show_some(what: str, lines: list[str]) -> None:
    """The first of what came so, and how many more there are."""
    for line in lines[:_MOST_LISTED]:
        echo(f"{what}：{line}")
    more = len(lines) - _MOST_LISTED
    if more > 0:
        echo(f"……另有 {more} 份{what}，见 xltool campaign log --arrivals")


def _called(code: str, names: dict[str, str]) -> str:
    return f"{code} {names.get(code, '')}".strip()


def _show_units(result: Collected, names: dict[str, str]) -> None:
    """What is to be said of single units."""
    for what, codes in (("区县撤回", result.withdrawn), ("区县不再撤回", result.lifted)):
        if codes:
            echo(f"{what} {len(codes)} 个单位：{'、'.join(codes)}")
    for code, version in result.still_counted.items():
        echo(f"{_called(code, names)}：另报过的第 {version} 版没有撤回，以它为准")
    for what, codes in (
        ("已经撤销、免报或并入，报来的不计入", result.not_owed),
        ("已经核准，新报来的不顶替（要改用的先 campaign reopen）", result.locked),
    ):
        if codes:
            echo(f"{what}：{len(codes)} 个单位（{'、'.join(codes)}）")
    for code, version in result.unchanged.items():
        echo(f"{_called(code, names)}：新报来的与退回的第 {version} 版内容相同")
    for code, question in result.questions.items():
        echo(f"{_called(code, names)}：{question}")


def _show_counts(result: Collected) -> None:
    """How many came and what became of them."""
    from xltool.checks.results import VERDICTS

    counts = result.counts()
    verdicts = Counter(receipt.verdict for receipt in result.new)
    verdict_counts = "，".join(
        f"{label} {verdicts[verdict]}" for verdict, label in VERDICTS.items() if verdicts[verdict]
    )
    echo(
        f"收下 {counts['收下']} 份" + (f"（{verdict_counts}）" if verdict_counts else "")
        + f"；重复 {counts['重复']}，"
        + (f"答复 {counts['答复']}，" if counts["答复"] else "")
        + f"空白 {counts['空白']}，没有收取 {len(result.problems)}，"
        f"不是工作簿而跳过 {len(result.skipped)}"
    )  # fmt: skip
    if result.copies:
        echo(f"先前用 --pristine 写出的 {result.copies} 份副本，不是报来的，没有收")
    if result.pristine:
        echo(f"干净的一份：{result.pristine} 个工作簿")


@command(old={"--units": ("--by-unit",)})
@where
@click.option("--district", default=None, help="只看这个区县。")
@click.option("--by-unit", is_flag=True, help="逐个单位列出。")
@click.option("--chase", type=file_type, help="写出催报名单（.txt 或 .xlsx）。")
@as_json_option
@force_option
def status(
    folder: Path, district: str | None, by_unit: bool, chase: Path | None, as_json: bool
) -> None:
    """进度：未下发、未报、有错误、待核实、通过、退回；谁逾期；催报名单。"""
    from xltool.campaign.returns.status import status as stand
    from xltool.campaign.returns.status import write_chase

    with opened(folder) as campaign:
        standing = stand(campaign)
        if district is not None:
            standing = standing.within(district)
        if chase:
            write_chase(chase, campaign, standing)
        title = campaign.title + (f"（报送截止 {standing.due}）" if standing.due else "")
    if as_json:
        echo_json(_standing(standing))
        return
    _show_standing(standing, title, by_unit)
    if chase:
        echo(f"催报名单 {len(standing.chase)} 个单位：{chase}")


def _standing(standing: Status) -> dict[str, Any]:
    return {
        "counts": dict(standing.counts()),
        "units": [
            {
                "code": s.unit.code, "name": s.unit.name, "district": s.unit.district, "state": s.state,
                "since": s.since, "counted": s.counted, "versions": s.versions, "late": s.late,
                "remarks": list(s.remarks),
            }
            for s in standing.standings
        ],
        "strays": [{"name": row["name"], "kind": row["kind"]} for row in standing.strays],
    }  # fmt: skip


def _show_standing(standing: Status, title: str, by_unit: bool) -> None:
    from xltool.campaign.returns.judgement import KINDS
    from xltool.campaign.units import NO_DISTRICT

    places = standing.districts
    if by_unit:
        heads = ["区县", "部门编码", "部门名称", "状态", "逾期", "何时起", "第几版", "备注"]
        table(heads, [_unit_line(standing) for standing in standing.standings], title)
    else:
        lines = [_district_line(standing, place, place or NO_DISTRICT) for place in places]
        if len(places) > 1:
            lines.append(_district_line(standing, None, "合计"))
        table(["区县", "应报", *standing.states, "逾期"], lines, title)
    for row in standing.strays[:20]:
        echo(f"不知属于哪个单位：{row['name']}（{KINDS[row['kind']]}）")
    if (more := len(standing.strays) - 20) > 0:
        echo(f"……另有 {more} 份不知属于哪个单位，见 xltool campaign log --arrivals")


def _unit_line(of_unit: Standing) -> list[Any]:
    from xltool.campaign.units import NO_DISTRICT

    unit, place = of_unit.unit, of_unit.unit.district or NO_DISTRICT
    late = "逾期" if of_unit.late else ""
    version = f"{of_unit.counted}/{of_unit.versions}" if of_unit.versions else ""
    return [
        place, unit.code, unit.name, of_unit.state, late, of_unit.since[:16], version,
        "；".join(of_unit.remarks),
    ]  # fmt: skip


def _district_line(standing: Status, district: str | None, label: str) -> list[Any]:
    """How many units of a district, of all where it is None, owe a return,
    are in each state, are late."""
    counts = standing.counts(district)
    within = [s for s in standing.standings if district in (None, s.unit.district)]
    owing = [s for s in standing.owing if district in (None, s.unit.district)]
    late = sum(s.late for s in within)
    of_states = [counts[state] or "" for state in standing.states]
    return [label, len(owing), *of_states, late or ""]


@command(old={"--unit": ("--amount-unit",), "--json=": ("-o",)})
@where
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    type=file_type,
    help="写到哪个 .xlsx（默认批次文件夹里的“汇总表.xlsx”）；再写一个 .json 就另有一份 JSON。",
)
@as_json_option
@click.option(
    "--amount-unit",
    "unit",
    type=click.Choice(["元", "万元", "亿元"]),
    default=None,
    help="金额单位（默认同版式）。",
)
@click.option(
    "--decimals", type=click.IntRange(0, 6), default=2, show_default=True, help="保留几位小数。"
)
@force_option
def rollup(
    folder: Path, files: Sequence[Path], as_json: bool, unit: str | None, decimals: int
) -> None:
    """汇总：按区县、主管部门和全部，舍位平衡，能查到构成每个合计的单位；写明汇总了几个单位、缺哪些。"""
    from xltool.campaign.rollup.record import rollup_json
    from xltool.campaign.rollup.sheets import write_rollup
    from xltool.campaign.rollup.summation import rollup as add_up
    from xltool.files.atomic import writing

    if wrong := next(
        (file for file in files if file.suffix.lower() not in (".xlsx", ".json")), None
    ):
        raise click.UsageError(f"汇总写成 .xlsx 或 .json，不是“{wrong}”")
    with opened(folder) as campaign:
        book = add_up(campaign, unit or "", decimals)
        if as_json:
            echo_json(rollup_json(book))
        destinations = list(files)
        if not as_json and all(file.suffix.lower() == ".json" for file in files):
            destinations.insert(0, campaign.folder / "汇总表.xlsx")
        guard.ask(*destinations)  # all or none
        for path in destinations:
            if path.suffix.lower() == ".xlsx":
                write_rollup(path, book)
                continue
            with writing(path) as out:
                json.dump(rollup_json(book), out, ensure_ascii=False, indent=1)
    if as_json:
        return
    echo(f"汇总 {book.covered} / {len(book.units)} 个单位：{'、'.join(map(str, destinations))}")
    if book.questions:
        echo(
            f"已计入、金额单位要核实的 {len(book.questions)} 个单位：{'、'.join(book.questions)}，见表下"
        )
    if len(book.missing):
        echo(f"未计入 {len(book.missing)} 个单位，名单在表下")
