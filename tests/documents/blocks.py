"""The fenced blocks of the documents, as tests ask for them.

Guarantee: a test that asks for a block by document, language and number gets the text that a reader sees. What it has
to put in place of a reader's own names it says one by one, and each of them has to be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.tidy.tree import ROOT

EXAMPLES = frozenset({"sh", "python", "json", "yaml", "sql"})
"""The languages of blocks that are examples. Blocks without a language are what is printed, and drawings."""
_FENCE = re.compile(r"^(?P<margin> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=margin)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One block: the `number`-th of its language in the document, which begins at `line`."""

    document: str
    language: str
    number: int
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line} ({self.language} {self.number})"

    def filled(self, places: Mapping[str, str]) -> str:
        """The text with each of the keys replaced.

        Raises:
            AssertionError: one of them is not in the text.
        """
        missing = [place for place in places if place not in self.text]
        assert not missing, f"{self} does not say {missing}"
        if not places:
            return self.text
        # In one pass: what is put in is not looked at again.
        keys = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
        return re.sub(keys, lambda match: places[match[0]], self.text)


def blocks_in(document: str, text: str) -> list[Block]:
    """The blocks of a document's text, in their order."""
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        language, margin = match["language"], match["margin"]
        inside = "".join(line.removeprefix(margin) for line in match["text"].splitlines(keepends=True))
        number = 1 + sum(block.language == language for block in found)
        found.append(Block(document, language, number, text.count("\n", 0, match.start()) + 1, inside))
    return found


def without_blocks(text: str) -> str:
    """What is in none of a text's blocks."""
    return _FENCE.sub("", text)


def blocks_of(document: str) -> Sequence[Block]:
    """The blocks of a document, whose path is told from the root of the repository."""
    return blocks_in(document, (ROOT / document).read_text(encoding="utf-8"))


def block(document: str, language: str, number: int = 1) -> Block:
    """One block of a document.

    Raises:
        AssertionError: there is none.
    """
    found = [one for one in blocks_of(document) if (one.language, one.number) == (language, number)]
    assert found, f"{document} has no block {number} of {language}"
    return found[0]
