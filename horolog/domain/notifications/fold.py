"""Facts and rules into deliveries: the pure core of notifications.

Guarantee: every fact that a rule matches is in exactly one place: counted in one message, counted in a group that is
still open, or counted as dropped, which the next message of the rule tells. So the counts of all messages, what they
say was dropped, and what waits add up to the facts. The id of a message follows from its rule and its last fact.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from horolog.domain.identity import notification_id
from horolog.domain.notifications.facts import Fact, Group, KnownJob, Throttle
from horolog.domain.notifications.rules import Kind, Rule

GroupKey = tuple[str, str]
"""Rule and subject."""


@dataclass(frozen=True, slots=True)
class Made:
    """A message to be delivered: what it counts, when that began, the last of it, and what was dropped before it."""

    id: str
    rule: Rule
    counts: Mapping[Kind, int]
    first_at: datetime
    last: Fact
    dropped_count: int = 0

    @property
    def count(self) -> int:
        """How many facts it tells of."""
        return sum(self.counts.values())


@dataclass(slots=True)
class Memory:
    """What is known before a batch, and after it; `changed_…` name what is to be kept anew."""

    rules: Mapping[str, Sequence[Rule]]
    jobs: dict[str, KnownJob] = field(default_factory=dict)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    throttles: dict[str, Throttle] = field(default_factory=dict)
    changed_jobs: set[str] = field(default_factory=set)
    changed_groups: set[GroupKey] = field(default_factory=set)
    closed_groups: set[GroupKey] = field(default_factory=set)
    changed_throttles: set[str] = field(default_factory=set)
    made: list[Made] = field(default_factory=list)
    throttled_count: int = 0


def tell(memory: Memory, facts: Iterable[Fact]) -> None:
    """Take the facts into account, in order."""
    for fact in facts:
        rules = memory.rules.get(fact.tenant_id, ()) if _is_news(memory, fact) else ()
        for rule in rules:
            if matches(rule, fact, memory.jobs.get(fact.subject)):
                _add(memory, rule, fact)


def close(memory: Memory, now: datetime) -> None:
    """Tell what the groups hold whose time is over."""
    rules = {rule.id: rule for rules in memory.rules.values() for rule in rules}
    for key, group in sorted(memory.groups.items(), key=lambda item: (item[1].closes_at, item[0])):
        if group.closes_at <= now and group.rule_id in rules:
            _end(memory, rules[group.rule_id], key, group)


def matches(rule: Rule, fact: Fact, job: KnownJob | None) -> bool:
    """Whether the rule is about the fact."""
    if not rule.enabled or fact.kind not in rule.kinds or fact.at < rule.since:
        return False
    if fact.kind is Kind.LATE and (fact.late_s or 0.0) <= rule.late_s:
        return False
    return rule.scope.holds(fact.job_id, () if job is None else job.tags)


def _is_news(memory: Memory, fact: Fact) -> bool:
    """Whether the fact changes anything; takes note of how its job does."""
    if fact.kind not in (Kind.FAILED, Kind.RECOVERED) or fact.job_id is None:
        return True
    job = memory.jobs.get(fact.job_id) or KnownJob(fact.job_id, fact.tenant_id)
    is_failing = fact.kind is Kind.FAILED
    if job.is_failing != is_failing:
        memory.jobs[job.job_id] = replace(job, is_failing=is_failing)
        memory.changed_jobs.add(job.job_id)
    return is_failing or job.is_failing


def _add(memory: Memory, rule: Rule, fact: Fact) -> None:
    key = (rule.id, fact.subject)
    group = memory.groups.get(key)
    if group is not None and fact.at < group.closes_at:
        counts = Counter(group.counts) + Counter({fact.kind: 1})
        first_at = fact.at if group.first_at is None else min(group.first_at, fact.at)
        memory.groups[key] = replace(group, counts=counts, first_at=first_at, last=fact)
        memory.changed_groups.add(key)
        return
    if group is not None:
        _end(memory, rule, key, group)
    if rule.pace.group_s:
        closes_at = fact.at + timedelta(seconds=rule.pace.group_s)
        memory.groups[key] = Group(rule.id, rule.tenant_id, fact.subject, closes_at, {})
        memory.changed_groups.add(key)
        memory.closed_groups.discard(key)
    _make(memory, Made(notification_id(rule.id, fact.id), rule, {fact.kind: 1}, fact.at, fact), fact.at)


def _end(memory: Memory, rule: Rule, key: GroupKey, group: Group) -> None:
    del memory.groups[key]
    memory.changed_groups.discard(key)
    memory.closed_groups.add(key)
    if group.last is not None and group.first_at is not None:
        id_ = notification_id(rule.id, group.last.id)
        _make(memory, Made(id_, rule, group.counts, group.first_at, group.last), group.closes_at)


def _make(memory: Memory, message: Made, at: datetime) -> None:
    """Make the message, or count what it holds as dropped, when the rule has spoken often enough."""
    rule = message.rule
    known = memory.throttles.get(rule.id)
    if known is None or at >= known.since + timedelta(seconds=rule.pace.throttle_s):
        known = Throttle(rule.id, at, 0, 0 if known is None else known.dropped_count)
    memory.changed_throttles.add(rule.id)
    if known.made_count >= rule.pace.throttle_count:
        memory.throttles[rule.id] = replace(known, dropped_count=known.dropped_count + message.count)
        memory.throttled_count += 1
        return
    memory.throttles[rule.id] = replace(known, made_count=known.made_count + 1, dropped_count=0)
    memory.made.append(replace(message, dropped_count=known.dropped_count))
