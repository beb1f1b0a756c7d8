"""The results of a campaign as a table of Markdown: one line for each kind, the worst of its rounds.

`python -m tests.campaign.table FILE…` prints it for the rounds that campaigns have recorded. Rounds without a judgement
are named below it, with the reason.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.campaign.rounds import Result

HEAD = (
    "| fault | rounds | verdict | owed | lost | doubled | early | worst early s | broken | not run | overlaps "
    "| worst takeover s | worst lateness s |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)
JUDGED = frozenset({"passed", "failed"})


def table(results: Sequence[Result]) -> str:
    """One line for each kind, in the order of their first rounds, and one for all together."""
    kinds = list(dict.fromkeys(result.kind for result in results))
    lines = [_line(kind, [result for result in results if result.kind == kind]) for kind in kinds]
    unjudged = [result for result in results if result.verdict not in JUDGED]
    notes = [f"\n{result.kind} {result.seed}: {result.verdict}: {result.proof}" for result in unjudged]
    return "\n".join([HEAD, *lines, _line("all", results), *notes])


def _line(name: str, results: Sequence[Result]) -> str:
    verdicts = Counter(result.verdict for result in results)
    words = [verdict if len(verdicts) == 1 else f"{count} {verdict}" for verdict, count in verdicts.items()]
    takeovers = [result.takeover_s for result in results if result.takeover_s is not None]
    cells = [
        name,
        len(results),
        ", ".join(words),
        *_sums(results, "owed", "lost", "doubled", "early"),
        f"{max((result.earliest_s for result in results), default=0.0):.2f}",
        *_sums(results, "broken", "not_run", "overlaps"),
        f"{max(takeovers):.1f}" if takeovers else "–",
        f"{max((result.lateness_max_s for result in results), default=0.0):.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _sums(results: Sequence[Result], *fields: str) -> list[int]:
    return [sum(getattr(result, field) for result in results) for field in fields]


if __name__ == "__main__":
    lines = [line for name in sys.argv[1:] for line in Path(name).read_text().splitlines()]
    sys.stdout.write(table([Result(**json.loads(line)) for line in lines]) + "\n")
