"""`xltool campaign`, `distribute`, `verify`, `collect`, `status`, `rollup`: a campaign with districts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xltool.edition import DEFAULT
from xltool.model import XltoolError

if TYPE_CHECKING:
    from xltool.campaign import Campaign
    from xltool.campaign.collect import Collected
    from xltool.campaign.status import Status
    from xltool.campaign.verify import Verified

_where = click.option(
    "--campaign", "folder", type=click.Path(file_okay=False, path_type=Path), default=".",
    help="批次文件夹（默认当前文件夹）。",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON，供程序读取。")
_file = click.Path(dir_okay=False, path_type=Path)
_there = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.Path(file_okay=False, path_type=Path)


@contextmanager
def _opened(folder: Path) -> Iterator[Campaign]:
    from xltool.campaign import open_campaign

    campaign = open_campaign(folder)
    try:
        yield campaign
    finally:
        campaign.ledger.close()


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    silent = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=silent) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, title=title or None, title_justify="left")
    for row in rows:
        table.add_row(*("" if value is None else _escape(str(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


# What a received file is called must not steer the terminal that shows it.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *range(8234, 8239), *range(8294, 8298)), "�")


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text.translate(_CONTROLS))


@click.group()
def campaign() -> None:
    """申报批次：建立、重审、选定版本、退回意见、上报、导出、导入。"""


@campaign.command()
@click.argument("name", metavar="名称", type=click.Path(path_type=Path))
@click.option("--year", type=click.IntRange(1990, 2100), help="预算年度。")
@click.option("--edition", default=DEFAULT, show_default=True, help="版式编号，或它所在的文件夹。")
@click.option("--units", type=_there, help="单位名单（部门编码、部门名称、区县……）。")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="报送截止日，如 2024-01-20。")
@click.option("--issuer", default="", help="发文单位，印在填报说明和退回意见上。")
@click.option("--from", "source", type=_there, help="上级下发的压缩包：建立下级台账。")
@click.option("--key", type=_there, help="另行得到的上级公钥，用来核对压缩包。")
def new(
    name: Path, year: int | None, edition: str, units: Path | None, deadline: Any, issuer: str,
    source: Path | None, key: Path | None,
) -> None:  # fmt: skip
    """建立批次：文件夹、台账、密钥；或由上级下发的压缩包建立下级台账。"""
    from xltool.campaign.folder import new_campaign
    from xltool.campaign.keys import fingerprint

    name = name.absolute()
    if source:
        from xltool.campaign.branch import new_branch

        made = new_branch(name, source, key)
        origin = f"（{made.title}，下级台账）"
    elif year is None or units is None:
        raise click.UsageError("建立批次要有 --year 和 --units（或用 --from 上级下发的压缩包）")
    else:
        due = deadline.date().isoformat() if deadline else ""
        made = new_campaign(name, year=year, edition=edition, units=units, deadline=due, issuer=issuer)
        origin = ""
    click.echo(f"已建立批次“{name.name}”{origin}：{len(made.ledger.units())} 个单位")
    click.echo(f"公钥指纹：{fingerprint(made.public_key)}")
    if not made.branch:
        click.echo("私钥在 keys/private.pem，只留在本文件夹，不要发给任何人。")
    made.ledger.close()


@campaign.command()
@_where
@click.argument("units", metavar="名单", type=_there)
def update(folder: Path, units: Path) -> None:
    """用新的名单补充单位、更正预填金额；已有的单位不会删去。再运行 distribute 只发有变动的。"""
    from xltool.campaign.units import read_units

    with _opened(folder) as here:
        if here.branch:
            raise XltoolError("下级台账的单位由上级下发的压缩包决定，请用 campaign receive")
        known = {unit.code: unit for unit in here.ledger.units()}
        listed = read_units(units, here.edition)
        with here.ledger.writing(), here.ledger.transaction():
            here.ledger.put_units({**known, **{unit.code: unit for unit in listed}}.values())
        added = sum(unit.code not in known for unit in listed)
        changed = sum(unit.code in known and known[unit.code] != unit for unit in listed)
        click.echo(f"新增 {added} 个单位，{changed} 个有变动；共 {len(here.ledger.units())} 个")


@campaign.command()
@_where
@click.argument("parcel", metavar="压缩包", type=_there)
def receive(folder: Path, parcel: Path) -> None:
    """下级台账：收进上级再次下发的压缩包。"""
    from xltool.campaign.branch import take_parcel

    with _opened(folder) as here:
        if not here.branch:
            raise XltoolError("这不是下级台账")
        click.echo(f"收进 {take_parcel(here, parcel)} 个新的工作簿")


@campaign.command()
@_where
@click.option("--settings", type=_there, help="换用这份设置（复制进批次文件夹）。")
@click.option("--edition", default="", help="换用这个版式（编号或文件夹，复制进批次文件夹）。")
def recheck(folder: Path, settings: Path | None, edition: str) -> int:
    """规则、版式或设置变了以后，把收到的全部重审一遍，列出结论变了的。"""
    from xltool.campaign.folder import pin_edition, pin_settings
    from xltool.campaign.recheck import recheck as judge_again

    if edition:
        pin_edition(folder, edition)
    if settings:
        pin_settings(folder, settings)
    with _opened(folder) as here, _progress("重审") as progress:
        changed = judge_again(here, progress)
        total = len(here.ledger.returns())
    if changed:
        rows = [[c.unit, c.version or "", c.name, c.before, c.after] for c in changed]
        _table(["部门编码", "版", "文件", "原来", "现在"], rows)
    click.echo(f"重审 {total} 份，{len(changed)} 份的结论变了")
    return 0


@campaign.command()
@_where
@click.argument("code", metavar="部门编码")
@click.argument("version", metavar="[版]", type=int, required=False)
@click.option("--latest", is_flag=True, help="撤销选定，仍以最近一次有效的为准。")
@click.option("--reason", default="", help="理由，记在台账里。")
def choose(folder: Path, code: str, version: int | None, latest: bool, reason: str) -> None:
    """选定一个单位的某一版为准；不写版号就列出各版。"""
    from xltool.campaign.judge import KINDS
    from xltool.campaign.recheck import choose as let_count
    from xltool.report.record import VERDICTS

    with _opened(folder) as here:
        if version is not None or latest:
            let_count(here, code, None if latest else version, reason)
            click.echo(f"{code}：" + ("以最近一次有效的为准" if latest else f"以第 {version} 版为准"))
            return
        counting = here.ledger.counted().get(code)
        rows = [
            [
                row["version"], VERDICTS[row["verdict"]], KINDS[row["kind"]], row["received_at"], row["name"],
                "√" if counting and counting["id"] == row["id"] else "",
            ]
            for row in here.ledger.returns_of(code)
        ]  # fmt: skip
        _table(["版", "结论", "封印", "收到", "文件", "采用"], rows)


@campaign.command()
@_where
@click.argument("codes", metavar="[部门编码…]", nargs=-1)
@click.option("--format", "form", type=click.Choice(["html", "xlsx"]), default="html", show_default=True)
@click.option("--queries", is_flag=True, help="只有待核实的也退回。")
@click.option("-o", "--output", type=_folder, help="写到哪个文件夹（默认批次文件夹里的“退回意见”）。")
def notes(folder: Path, codes: Sequence[str], form: str, queries: bool, output: Path | None) -> None:
    """退回意见：每个单位一份，写明哪一格有什么问题、怎么改。"""
    from xltool.campaign.notes import FOLDER, write_notes
    from xltool.campaign.notes import notes as due

    with _opened(folder) as here:
        found = due(here, codes, queries=queries)
        write_notes(here, found, output or here.folder / FOLDER, form)
    click.echo(f"写出 {len(found)} 份退回意见：{output or folder / FOLDER}")


@campaign.command()
@_where
@click.option("-o", "--output", type=_file, required=True, help="写到哪个 zip。")
def submit(folder: Path, output: Path) -> None:
    """上报：把采用的申报原样打成一个 zip，交上级收取。"""
    from xltool.campaign.branch import submit as pass_upwards

    with _opened(folder) as here:
        count, total = pass_upwards(here, output), len(here.ledger.units())
    click.echo(f"上报 {count} / {total} 个单位：{output}")


@campaign.command("export")
@_where
@click.argument("file", metavar="文件", type=_file)
@click.option("--with-key", is_flag=True, help="连同私钥（用口令加密），到别处还能下发。")
def export_(folder: Path, file: Path, with_key: bool) -> None:
    """整个批次导出成一个文件，用来搬家或存档。"""
    from xltool.campaign.transfer import export_campaign

    word = click.prompt("口令", hide_input=True, confirmation_prompt="再输一次") if with_key else ""
    with _opened(folder) as here:
        count = export_campaign(here, file, word)
    click.echo(f"已导出 {count} 个文件：{file}" + ("" if with_key else "（不含私钥）"))


@campaign.command("import")
@click.argument("file", metavar="文件", type=_there)
@click.argument("name", metavar="名称", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="解开私钥（要口令）。")
def import_(file: Path, name: Path, with_key: bool) -> None:
    """由导出的文件恢复批次。"""
    from xltool.campaign.transfer import import_campaign

    word = click.prompt("口令", hide_input=True) if with_key else ""
    made = import_campaign(file, name.absolute(), word)
    click.echo(
        f"已恢复批次“{made.title}”：{len(made.ledger.units())} 个单位，{len(made.ledger.returns())} 份回收"
    )
    made.ledger.close()


@click.command()
@_where
@click.option("--district", "districts", multiple=True, help="只发这个区县（可以写几次）。")
@click.option("-o", "--output", type=_folder, help="写到哪个文件夹（默认批次文件夹里的“下发”）。")
def distribute(folder: Path, districts: Sequence[str], output: Path | None) -> None:
    """下发：每个单位一个预填、锁定、加封的工作簿，每个区县一个压缩包；再运行只发有变动的。"""
    from xltool.campaign.distribute import distribute as send

    with _opened(folder) as here, _progress("下发") as progress:
        sent = send(here, output, districts, progress)
    for district, path, count in sent.parcels:
        click.echo(f"{district}：{count} 个单位 → {path}")
    if sent.units:
        click.echo(f"第 {sent.batch} 批：下发 {sent.units} 个单位，{len(sent.parcels)} 个压缩包")
    click.echo(f"没有变动的 {sent.unchanged} 个单位不再下发" if sent.unchanged else "全部下发完毕")


@click.command()
@click.argument("paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--key", type=_there, help="公钥文件（默认用包里的公钥，并提醒核对指纹）。")
@_json
def verify(paths: Sequence[Path], key: Path | None, as_json: bool) -> int:
    """核对收到的压缩包或工作簿：是否为真、是否完整、出自哪个批次。

    退出码：0 为真而完整，1 不是，2 没能运行。
    """
    from xltool.campaign.keys import load_public
    from xltool.campaign.verify import verify as look

    public = load_public(key.read_bytes()) if key else None
    results = [look(path, public) for path in paths]
    if as_json:
        click.echo(json.dumps([_verified(r) for r in results], ensure_ascii=False, indent=2))
    else:
        for result in results:
            _show_verified(result)
    return 0 if all(r.good for r in results) else 1


def _verified(result: Verified) -> dict[str, Any]:
    return {
        "path": str(result.path),
        "good": result.good,
        "campaign": result.title,
        "year": result.year,
        "district": result.district,
        "fingerprint": result.fingerprint,
        "key_from_parcel": result.own_key,
        "files": [{"name": f.name, "good": f.good, "said": f.said} for f in result.files],
    }


def _show_verified(result: Verified) -> None:
    wrong = [f for f in result.files if not f.good]
    what = f"{result.title}（{result.year} 年）{result.district}" if result.title else "不知出自哪个批次"
    click.echo(f"{result.path}：{what}")
    for one in wrong or result.files[:1]:
        click.echo(f"  {'√' if one.good else '×'} {one.name}：{one.said}")
    workbooks = sum(f.name.endswith(".xlsx") and "/" not in f.name and f.good for f in result.files)
    click.echo(f"  {len(result.files)} 个文件，{len(wrong)} 个有问题；工作簿 {workbooks} 个为真")
    click.echo(
        f"  公钥指纹：{result.fingerprint}"
        + ("（公钥在包里，请与发文单位核对指纹）" if result.own_key else "")
    )
    click.echo("  结论：" + ("为真，完整" if result.good else "有问题，不要使用有问题的文件"))


@click.command()
@_where
@click.argument("paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pristine", type=_folder, help="把采用的申报的数值另写到全新的官方模板上，放进这个文件夹。")
@_json
def collect(folder: Path, paths: Sequence[Path], pristine: Path | None, as_json: bool) -> int:
    """收取：文件、文件夹、压缩包（可以套着），凭封印认单位，核真、审核、入台账；再收一次不会有任何变化。

    退出码：0 都收下且没有错误，1 有错误或有打不开的，2 没能运行。
    """
    from xltool.campaign.collect import collect as take_in

    with _opened(folder) as here, _progress("收取") as progress:
        names = {unit.code: unit.name for unit in here.ledger.units()}
        result = take_in(here, paths, pristine=pristine, progress=progress)
    if as_json:
        click.echo(json.dumps(_collected(result), ensure_ascii=False, indent=2))
    else:
        _show_collected(result, names)
    return int(any(r.verdict == "error" for r in result.new) or bool(result.problems))


def _collected(result: Collected) -> dict[str, Any]:
    keys = ("name", "outcome", "kind", "unit", "claimed", "version", "verdict", "first")
    return {
        "receipts": [{key: getattr(r, key) for key in keys} for r in result.receipts],
        "problems": [{"name": name, "reason": reason} for name, reason in result.problems],
        "skipped": result.skipped,
        "pristine": result.pristine,
    }


def _show_collected(result: Collected, names: dict[str, str]) -> None:
    from xltool.campaign.judge import KINDS
    from xltool.report.record import VERDICTS

    bad = [r for r in result.new if r.verdict == "error"]
    rows = [
        [
            r.name.rpartition("/")[2], f"{r.unit} {names.get(r.unit, '')}".strip(), KINDS[r.kind],
            VERDICTS[r.verdict], r.first,
        ]
        for r in bad
    ]  # fmt: skip
    if rows:
        _table(["文件", "单位", "封印", "结论", "第一处问题"], rows[:40])
        if len(rows) > 40:
            click.echo(f"……另有 {len(rows) - 40} 份有错误，见 xltool status --units 和退回意见")
    for name, reason in result.problems:
        click.echo(f"没有收取：{name}：{reason}", err=True)
    counts, verdicts = result.counts(), [r.verdict for r in result.new]
    said = "，".join(f"{VERDICTS[v]} {verdicts.count(v)}" for v in VERDICTS if v in verdicts)
    click.echo(
        f"收下 {counts['收下']} 份" + (f"（{said}）" if said else "")
        + f"；重复 {counts['重复']}，空白 {counts['空白']}，没有收取 {len(result.problems)}，"
        f"不是工作簿而跳过 {len(result.skipped)}"
    )  # fmt: skip
    if result.pristine:
        click.echo(f"干净的一份：{result.pristine} 个工作簿")


@click.command()
@_where
@click.option("--district", default=None, help="只看这个区县。")
@click.option("--units", "by_unit", is_flag=True, help="逐个单位列出。")
@click.option("--chase", type=_file, help="写出催报名单（.txt 或 .xlsx）。")
@_json
def status(folder: Path, district: str | None, by_unit: bool, chase: Path | None, as_json: bool) -> None:
    """进度：未下发、未报、有错误、待核实、通过、退回；谁逾期；催报名单。"""
    from xltool.campaign.status import status as stand
    from xltool.campaign.status import write_chase

    with _opened(folder) as here:
        standing = stand(here)
        if chase:
            write_chase(chase, here, standing)
        title = here.title + (f"（报送截止 {here.deadline}）" if here.deadline else "")
    if as_json:
        click.echo(json.dumps(_standing(standing), ensure_ascii=False, indent=2))
        return
    _show_standing(standing, title, district, by_unit)
    if chase:
        click.echo(f"催报名单 {len(standing.chase)} 个单位：{chase}")


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


def _show_standing(standing: Status, title: str, district: str | None, by_unit: bool) -> None:
    from xltool.campaign.judge import KINDS
    from xltool.campaign.status import STATES

    places = [d for d in standing.districts if district in (None, d)]
    if not places:
        raise XltoolError(f"名单里没有区县“{district}”")
    if by_unit:
        rows = [
            [
                s.unit.district, s.unit.code, s.unit.name, s.state, "逾期" if s.late else "", s.since[:16],
                f"{s.counted}/{s.versions}" if s.versions else "", "；".join(s.remarks),
            ]
            for s in standing.standings
            if s.unit.district in places
        ]  # fmt: skip
        _table(["区县", "部门编码", "部门名称", "状态", "逾期", "自", "版", "备注"], rows, title)
    else:
        lines: list[list[Any]] = []
        for place in places:
            counts = standing.counts(place)
            late = sum(s.late for s in standing.standings if s.unit.district == place)
            lines.append(
                [place or "未分区县", sum(counts.values()), *(counts[s] or "" for s in STATES), late or ""]
            )
        if len(places) > 1:
            counts = standing.counts()
            late = sum(s.late for s in standing.standings)
            lines.append(["合计", sum(counts.values()), *(counts[s] or "" for s in STATES), late or ""])
        _table(["区县", "应报", *STATES, "逾期"], lines, title)
    for row in standing.strays[:20]:
        click.echo(f"不知属于哪个单位：{row['name']}（{KINDS[row['kind']]}）")


@click.command()
@_where
@click.option("-o", "--output", type=_file, help="写到哪个 .xlsx（默认批次文件夹里的“汇总表.xlsx”）。")
@click.option("--json", "json_file", type=_file, help="同时写出 JSON。")
@click.option(
    "--unit", type=click.Choice(["元", "万元", "亿元"]), default=None, help="金额单位（默认同版式）。"
)
@click.option("--decimals", type=click.IntRange(0, 6), default=2, show_default=True, help="保留几位小数。")
def rollup(
    folder: Path, output: Path | None, json_file: Path | None, unit: str | None, decimals: int
) -> None:
    """汇总：按区县、主管部门和全部，舍位平衡，能查到构成每个合计的单位；写明汇总了几个单位、缺哪些。"""
    from xltool.atomic import writing
    from xltool.campaign.rollup import rollup as add_up
    from xltool.campaign.rollup import rollup_json
    from xltool.campaign.rollup_sheets import write_rollup

    with _opened(folder) as here:
        book = add_up(here, unit or "", decimals)
        path = output or here.folder / "汇总表.xlsx"
        write_rollup(path, book)
        if json_file:
            with writing(json_file) as file:
                json.dump(rollup_json(book), file, ensure_ascii=False, indent=1)
    click.echo(f"汇总 {book.covered} / {len(book.units)} 个单位：{path}")
    if len(book.missing):
        click.echo(f"未计入 {len(book.missing)} 个单位，名单在表下")
