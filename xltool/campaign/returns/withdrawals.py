"""A district's withdrawals: what it says in its submission,
and how the office above takes that in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, Deed, in_force
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.trusted_keys import trusted_keys
from xltool.campaign.sealing.withdrawal import Withdrawal, Withdrawals, read_paper
from xltool.errors import XltoolError

_SENDER = (
    "submitter "  # in the ledger's meta, with a fingerprint: the sender's district and last serial
)


def held_back(campaign: Campaign) -> Withdrawals:
    """All that this district holds withdrawn now."""
    ledger = campaign.ledger
    units = [
        withdrawal
        for code, returns in ledger.standings().items()
        if code and (withdrawal := _of_unit(code, returns))
    ]
    [serial] = ledger.base.execute(
        "SELECT (SELECT COALESCE(MAX(id), 0) FROM deeds) + (SELECT COALESCE(MAX(id), 0) FROM arrivals)"
    ).fetchone()
    return Withdrawals(campaign.id, campaign.meta.get("district", ""), int(serial), units)


def _of_unit(code: str, returns: UnitReturns) -> Withdrawal | None:
    contents = [row["sha256"] for row in returns.rows if not row["claimed"] and row["withdrawn"]]
    if not contents:
        return None
    last = next(deed for deed in reversed(returns.deeds) if deed.action == Act.WITHDRAW)
    key = f"{last.made_at}#{last.id}"
    return Withdrawal(code, sorted(contents), key, last.made_at, last.author, last.reason)


@dataclass(slots=True)
class Applied:
    """What came of the papers of one collecting: units by code;
    and what was not taken, with the reason."""

    withdrawn: list[str] = field(default_factory=list)
    lifted: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    outdated: list[tuple[str, str]] = field(default_factory=list)


def apply_papers(campaign: Campaign, papers: Mapping[str, bytes]) -> Applied:
    """Take in these papers, given by name, the earliest first. The same again changes nothing.

    A paper counts only when signed with a key that was named here; one that is older than what the
    same sender said last is not taken.
    """
    applied = Applied()
    good: list[tuple[int, str, Withdrawals, str]] = []
    for name, data in papers.items():
        try:
            paper, sender = read_paper(data)
            _vouched(campaign, paper, sender)
            good.append((paper.serial, name, paper, sender))
        except XltoolError as error:
            applied.problems.append((name, str(error)))
    for _, name, paper, sender in sorted(good, key=lambda entry: entry[:2]):
        remembered = campaign.ledger.meta().get(_SENDER + sender, "")
        district, _, serial = remembered.rpartition("\t")
        if sender not in trusted_keys(campaign):
            continue  # it withdraws nothing
        if remembered and district != paper.district:
            reason = f"这个公钥是“{district}”的，不能替“{paper.district}”撤回"
            applied.problems.append((name, reason))
        elif remembered and paper.serial < int(serial):
            reason = "比已经收过的上报包早，其中的撤回没有采用（以后一包为准）"
            applied.outdated.append((name, reason))
        else:
            _take(campaign, name, paper, sender, applied)
    return applied


def _vouched(campaign: Campaign, paper: Withdrawals, sender: str) -> None:
    if paper.campaign != campaign.id:
        raise XltoolError("撤回单属于别的批次")
    if paper.units and sender not in trusted_keys(campaign):
        raise XltoolError(
            f"“{paper.district}”撤回 {len(paper.units)} 个单位，没有采用：公钥还没有登记，"
            f"向对方核对指纹 {sender} 后用 collect --trust 指纹 再收一次"
        )


def _take(campaign: Campaign, name: str, paper: Withdrawals, sender: str, applied: Applied) -> None:
    """Write what is new in a paper into the history."""
    ledger = campaign.ledger
    before = _said_before(ledger.deeds(), sender)
    fresh: dict[str, Withdrawal | None] = {
        withdrawal.unit: withdrawal
        for withdrawal in paper.units
        # What was taken before and undone since stays undone.
        if _identity(before.get(withdrawal.unit)) != (withdrawal.key, withdrawal.contents)
    }
    named = {withdrawal.unit for withdrawal in paper.units}
    for code, prior in before.items():
        if prior.stands and prior.contents and code not in named:
            fresh[code] = None
    places = {unit.code: unit.district for unit in ledger.units()}
    standings = ledger.standings(fresh)
    decided: dict[str, Withdrawal | None] = {}
    for code, withdrawal in fresh.items():
        if places.get(code) != paper.district:
            applied.problems.append((name, f"{code[:40]} 不是“{paper.district[:40]}”的单位"))
        elif standings.get(code, UnitReturns()).outcome.standpoint.accepted:
            reason = f"{code} 已经核准，区县的撤回没有采用：先用 campaign reopen 重开，再收一次"
            applied.problems.append((name, reason))
        else:
            decided[code] = withdrawal
            (applied.withdrawn if withdrawal else applied.lifted).append(code)
    standing = f"{paper.district}\t{paper.serial}"
    if not decided and ledger.meta().get(_SENDER + sender) == standing:
        return
    with ledger.transaction():
        ledger.set_meta({_SENDER + sender: standing})
        for code, withdrawal in decided.items():
            _record(campaign, code, withdrawal, paper, sender, standings.get(code, UnitReturns()))


@dataclass(frozen=True, slots=True)
class _PriorWithdrawal:
    """What a sender's last withdrawal of a unit said, and whether it still holds."""

    key: str
    contents: list[str]
    stands: bool


def _identity(prior: _PriorWithdrawal | None) -> tuple[str, list[str]] | None:
    return (prior.key, prior.contents) if prior else None


def _said_before(deeds: list[Deed], sender: str) -> dict[str, _PriorWithdrawal]:
    """What this sender withdrew, by unit."""
    standing = {deed.id for deed in in_force(deeds)}
    withdrawn: dict[str, _PriorWithdrawal] = {}
    for deed in deeds:
        if deed.action == Act.WITHDRAW:
            detail = msgspec.json.decode(deed.detail)
            if detail.get("sender") == sender:
                withdrawn[deed.unit] = _PriorWithdrawal(
                    detail["key"], detail["contents"], deed.id in standing
                )
    return withdrawn


def _record(
    campaign: Campaign,
    code: str,
    withdrawal: Withdrawal | None,
    paper: Withdrawals,
    sender: str,
    returns: UnitReturns,
) -> None:
    contents = withdrawal.contents if withdrawal else []
    detail = {
        "district": paper.district,
        "sender": sender,
        "key": withdrawal.key if withdrawal else "",
        "contents": contents,
        "returns": [row["id"] for row in returns.rows if row["sha256"] in contents],
    }
    reason = f"{paper.district}不再撤回"
    if withdrawal:
        who = filter(None, [paper.district, withdrawal.author, withdrawal.made_at])
        reason = f"{withdrawal.reason}（{' '.join(who)}）"
    campaign.ledger.record(Act.WITHDRAW, code, reason=reason, detail=detail)
