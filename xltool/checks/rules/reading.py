"""R1xx: what the reader saw in the file itself. The reader tells faults, these rules judge them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._text import quote
from xltool.model import Fault, FaultKind, Severity
from xltool.money import places, says_none

FILE = "收到的文件与官方模板的比较"


def _of(review: Review, *kinds: FaultKind) -> Iterator[Fault]:
    return (fault for fault in review.filing.faults if fault.kind in kinds)


def _label(review: Review, fault: Fault) -> str:
    """The official label of the field where the fault is, in quotes; nothing where it has none."""
    for form in review.filing.forms:
        if (
            fault.place is not None
            and form.sheet == fault.place.sheet
            and fault.field in review.spec(form)
        ):
            return f"“{review.spec(form)[fault.field].label}”："
    return ""


def _hit(fault: Fault, advice: str) -> Hit:
    message = fault.detail.rstrip("。；，")
    if fault.expected:
        now = f"“{quote(fault.found)}”" if fault.found.strip() else "空"
        message += f"：应为“{quote(fault.expected)}”，现为{now}"
    elif fault.found and fault.kind == FaultKind.LAYOUT:
        message += f"：“{quote(fault.found)}”"
    # A reason that says itself what to do needs no second advice.
    if "请" not in message and "先用" not in message:
        message += f"。{advice}"
    return Hit(message, fault.place, fault.field, fault.found, fault.expected)


@rule(
    "R101", "文件不能作为工作簿读取", Severity.ERROR, review="形式", source=FILE, reads_faults=True
)
def unreadable(review: Review) -> Iterator[Hit]:
    """文件损坏、加密、不是工作簿、过大或异常，读不了；说明原因，原文件不动，其他文件不受影响。

    错：给工作簿设了打开密码；把 .xls 改名成 .xlsx。
    对：由官方模板填写、用 Excel 或 WPS 保存的 .xlsx。
    """
    for fault in _of(review, FaultKind.UNREADABLE):
        yield _hit(fault, "请用官方模板重新填写后另存为 .xlsx 再报")


@rule(
    "R102",
    "不是官方模板或版式不认识",
    Severity.ERROR,
    review="形式",
    source=FILE,
    reads_faults=True,
)
def foreign(review: Review) -> Iterator[Hit]:
    """文件不是由官方模板做的，或所用的版式不认识。其他规则不再看它。

    错：单位自己画的表；别的省的申报表。
    对：由官方模板填写的工作簿，名称丢了但标签还认得出。
    """
    for fault in _of(review, FaultKind.FOREIGN):
        yield _hit(fault, "请用发下的官方模板填写")


@rule("R103", "锁定的版面被改动", Severity.ERROR, review="形式", source=FILE)
def layout(review: Review) -> Iterator[Hit]:
    """官方文字、合并、行、列与模板不同，逐处列出原来和现在；在指标区内加行是允许的。

    错：“一般公共预算”被改成“财政拨款”；删了一行。
    对：在数量指标里插入两行。
    """
    for fault in _of(review, FaultKind.LAYOUT, FaultKind.ROWS, FaultKind.LOST):
        yield _hit(fault, "请恢复官方版面（可用发下的模板重新填写）")


@rule("R104", "保护被取消或名称丢失", Severity.QUERY, review="形式", source=FILE)
def protection(review: Review) -> Iterator[Hit]:
    """工作表保护被取消、工作表或行列被隐藏、定义名称丢失而靠标签找到：要说明是怎么回事。

    错：工作表保护被取消。
    对：保护还在，只填了可以填的格。
    """
    for fault in _of(review, FaultKind.PROTECTION, FaultKind.NAMES):
        yield _hit(fault, "请用发下的模板重新填写，或说明原因")


@rule(
    "R105",
    "填了公式、外部链接或对象",
    Severity.QUERY,
    review="形式",
    source=FILE,
    yields_to=("R107", "R109"),
)
def content(review: Review) -> Iterator[Hit]:
    """该填数值的格里是公式、指向别的文件的链接或对象：显示它的结果，仅供参考。

    错：资金总额写成公式 =D5+D6。
    对：直接填 1245.61。
    """
    for fault in _of(review, FaultKind.CONTENT):
        message = f"{_label(review, fault)}{fault.detail}"
        if fault.found:
            message += f"“{quote(fault.found)}”"
        if fault.expected and fault.expected != fault.found:
            message += f"，公式结果 {quote(fault.expected)} 仅供参考，请直接填写该数"
        elif fault.found:
            message += "，请直接填写内容"
        else:
            message += "，要填的内容请写在格里；盖章等需要保留的请说明"
        yield Hit(message, fault.place, fault.field, fault.found, fault.expected)


@rule("R106", "金额写成文字", Severity.NOTE, review="形式", source=FILE)
def amount_as_text(review: Review) -> Iterator[Hit]:
    """金额写成了文字（1245.61万元、1,245.61、全角数字）：说明读成了多少。

    错：“1，245.61万元”（读作 1245.61）。
    对：1245.61。
    """
    for fault in _of(review, FaultKind.AMOUNT_TEXT):
        yield Hit(
            f"{_label(review, fault)}{fault.detail}：“{quote(fault.found)}”，"
            f"已读作 {fault.expected}，请改填数字（单位：{review.edition.unit}）",
            fault.place,
            fault.field,
            fault.found,
            fault.expected,
        )


@rule("R107", "金额读不出", Severity.ERROR, review="形式", source=FILE, yields_to=("R108", "R109"))
def amount_unread(review: Review) -> Iterator[Hit]:
    """金额栏里写的读不成金额；原文保留，不猜。

    错：资金总额写“约一千二百万”。
    对：1245.61。
    """
    for form in review.filing.forms:
        for field in review.spec(form).field:
            entry = form[field.id]
            if field.kind == "amount" and entry.unread:
                none = says_none(entry.text)
                advice = "没有就空着" if none else f"请填数字（单位：{review.edition.unit}）"
                yield review.hit(
                    entry,
                    f"“{field.label}”写的“{quote(entry.text)}”读不成金额，{advice}",
                    field=field.id,
                    expected=f"以{review.edition.unit}为单位的数字",
                )


@rule("R112", "宏、链接等会动作的内容", Severity.QUERY, review="形式", source=FILE)
def active(review: Review) -> Iterator[Hit]:
    """宏、宏表、深度隐藏的工作表、嵌入的对象、控件、指向别的工作簿的链接：逐样说明；申报批次里是错误。

    这里什么也不运行、不跟随。收件的人在自己的 Excel 里打开时可能会。

    错：从别处粘贴带来的外部链接；一点击就运行宏的图形。
    对：只有填好的表。
    """
    sealed = any(key.startswith("xltool.seal.") for key in review.filing.seal)
    for fault in _of(review, FaultKind.ACTIVE):
        message = f"{fault.detail}。申报用不着，请删去（或用发下的模板重新填写）"
        yield Hit(message, fault.place, severity=Severity.ERROR if sealed else None)


@rule("R111", "表上有图片", Severity.NOTE, review="形式", source=FILE)
def picture(review: Review) -> Iterator[Hit]:
    """表上有图片（多半是章的扫描图）：只提示，不算问题，也不认作盖章。

    例：表头盖章处贴了一张图。
    对：纸件上盖章。
    """
    for fault in _of(review, FaultKind.PICTURE):
        yield Hit(f"{fault.detail}：图片里的内容（例如章）没有读，也不作数", fault.place)


@rule("R113", "看不见的字符", Severity.NOTE, review="形式", source=FILE)
def invisible(review: Review) -> Iterator[Hit]:
    """填的内容里夹着看不见的字符（零宽空格、转换书写方向的字符等，多半是粘贴带来的）：已忽略，只说一次。

    错：从网页粘贴的单位名称，字中间夹着零宽空格。
    对：单位名称只有看得见的字。
    """
    faults = list(_of(review, FaultKind.INVISIBLE))
    if faults:
        cells = "、".join(str(fault.place) for fault in faults[:3])
        more = f"等 {len(faults)} 格" if len(faults) > 3 else ""
        message = f"{cells}{more}里有看不见的字符（多半是粘贴带来的），已忽略，请重新输入"
        yield Hit(message, faults[0].place)


@rule("R108", "显示的与存的不一样", Severity.ERROR, review="形式", source=FILE)
def shown_otherwise(review: Review) -> Iterator[Hit]:
    """单元格的数字格式把数缩小、遮住、加了字：以看得见的为准（盖章的是它），两个数都列出。

    字和底色一样（白底白字等）、字号小到看不见的，等于什么也没有显示，把存的列出。条件格式会这样做的也说。
    只是少显示几位小数的，取存的数，只提示。

    错：存 31731700，格式显示成 3173.1700；存 1002，格式显示成 9999.99；存了数，格式什么也不显示；白底白字。
    对：存 3173.17，显示 3,173.17。
    """
    for fault in _of(review, FaultKind.SHOWN, FaultKind.ROUNDED):
        rounded = fault.kind == FaultKind.ROUNDED
        if rounded and places(Decimal(fault.expected)) > review.edition.max_decimals:
            continue  # T308 says it
        advice = (
            "按存的数计算；请改成所要的小数位数"
            if rounded
            else "请重新填写，并把单元格的格式改回模板的格式"
        )
        yield Hit(
            f"{_label(review, fault)}{fault.detail}。{advice}",
            fault.place,
            fault.field,
            fault.found,
            fault.expected,
            severity=Severity.NOTE if rounded else None,
        )


@rule("R109", "公式没有存下结果", Severity.ERROR, review="形式", source=FILE)
def unreckoned(review: Review) -> Iterator[Hit]:
    """格里是公式，文件里却没有它的结果（用程序生成的表常这样）：读不到数，不当作空白。

    错：金额格里是 =D5+D6，没有在 Excel 或 WPS 里算过就交来。
    对：在 Excel 或 WPS 里打开、保存过，或直接填数。
    """
    for fault in _of(review, FaultKind.UNRECKONED):
        yield Hit(
            f"{_label(review, fault)}这是公式“{quote(fault.found)}”，它的结果没有存下来，"
            "读不到数。请在 Excel 或 WPS 里打开并保存一次，最好直接填写数值",
            fault.place,
            fault.field,
            fault.found,
        )


@rule("R110", "空白表", Severity.QUERY, review="形式", source=FILE)
def blank_form(review: Review) -> Iterator[Hit]:
    """官方表原样，还没有填：不算错，也不算通过，别的规则都不说。

    错：把下发的空白表原样交来。
    对：填好再交；没有要申报的，按财政部门的要求另行说明。
    """
    if review.blank:
        yield Hit("这是空白表，还没有填。填好以后再审核")
