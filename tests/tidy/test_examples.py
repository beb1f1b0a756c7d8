"""Every example in a document is asked for by a test, and everything that reads like an example is one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.documents.blocks import EXAMPLES, Block, blocks_in, blocks_of, without_blocks
from tests.documents.command_lines import calls_in, problem_with
from tests.tidy.names import calls
from tests.tidy.tree import ROOT, committable_files, python_files, read_text

DOCUMENTS = [str(path) for path in committable_files() if path.suffix == ".md"]
SHELL_LIKE = re.compile(
    r"^ *(?:\$ )?(?:horolog|make|curl|openssl|docker|kubectl|python|\.venv/bin/\w+) \S", re.MULTILINE
)
_INLINE = re.compile(r"`(horolog [^`]+)`")
_LEFT_OUT = re.compile(r"…|\.\.\.|{|\[")
"""What is written in the middle of a sentence need not be whole."""
Asked = tuple[str, str | None, object]


def asked_by(source: str) -> Iterator[Asked]:
    """What a test asks for by constants: document, language and number, or all of a document's blocks."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call, name in calls(tree):
        if not name.startswith("tests.documents.blocks."):
            continue
        words = [told for one in call.args if (told := constant(one, constants)) is not None]
        if name == "tests.documents.blocks.block" and len(words) >= 2:
            yield str(words[0]), str(words[1]), words[2] if len(words) > 2 else 1
        elif name == "tests.documents.blocks.blocks_of" and len(words) == 1:
            yield str(words[0]), None, None


def constant(node: ast.expr, constants: Mapping[str, object]) -> object:
    """What an argument stands for; None where that is told only when it runs."""
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    return node.value if isinstance(node, ast.Constant) else None


def nobody_asks_for(blocks: list[Block], asked: set[Asked]) -> list[str]:
    """The examples among the blocks that no test asks for."""
    return [
        f"no test runs {one}"
        for one in blocks
        if one.language in EXAMPLES
        and not {(one.document, one.language, one.number), (one.document, None, None)} & asked
    ]


def misnamed(one: Block) -> list[str]:
    """A block that is in no language of examples, or in none though it reads like a shell's."""
    if one.language:
        return [] if one.language in EXAMPLES else [f"{one}: its language is not one of {sorted(EXAMPLES)}"]
    return [f"{one}: reads like a shell's, and is not called sh"] if SHELL_LIKE.search(one.text) else []


def test_every_example_is_run_by_a_test() -> None:
    tests = [path for path in python_files() if path.parts[0] == "tests"]
    asked = {one for path in tests for one in asked_by(read_text(path) or "")}
    blocks = [one for document in DOCUMENTS for one in blocks_of(document)]
    assert nobody_asks_for(blocks, asked) == []
    assert [problem for one in blocks for problem in misnamed(one)] == []
    assert len([one for one in blocks if one.language in EXAMPLES]) > 100


def test_no_example_stands_in_a_block_without_fences() -> None:
    indented = [
        f"{document}: {line}"
        for document in DOCUMENTS
        for line in prose_of(document).splitlines()
        if line.startswith("    ") and SHELL_LIKE.match(line)
    ]
    assert indented == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_command_that_a_sentence_names_is_one(document: str) -> None:
    text = " ".join(prose_of(document).split())
    named = [words for words in _INLINE.findall(text) if not _LEFT_OUT.search(words)]
    problems = [(" ".join(words), problem_with(words)) for text in named for words in calls_in(text)]
    # What only begins a command, and lacks its arguments, is named all the same.
    assert [(words, told) for words, told in problems if told is not None and not told.startswith("missing")] == []


def prose_of(document: str) -> str:
    """What a document says outside of its blocks."""
    return without_blocks((ROOT / document).read_text(encoding="utf-8"))


def test_example_that_nobody_runs_is_found() -> None:
    [shell, other] = blocks_in("a.md", "```sh\nmake\n```\n\n   ```yaml\n   a: 1\n   ```\n")
    source = 'from tests.documents.blocks import block\nblock("a.md", "sh")\n'
    assert nobody_asks_for([shell, other], set(asked_by(source))) == ["no test runs a.md:5 (yaml 1)"]
    assert other.text == "a: 1\n"
    [drawing, hidden] = blocks_in("a.md", "```\n→ b\n```\n```\nhorolog next\n```\n")
    assert (misnamed(drawing), misnamed(hidden)) == ([], ["a.md:4 ( 2): reads like a shell's, and is not called sh"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("horolog nonsense", "there is no command 'nonsense'"),
        ("horolog job list --nonsense", "No such option: --nonsense"),
        ("horolog job get", "missing: ['job']"),
        ("crontab -l | .venv/bin/horolog import crontab - --dry-run  # and so on", None),
        ("horolog notify update RULE - < rule.json", None),
    ],
)
def test_command_line_that_is_not_understood_is_found(line: str, problem: str | None) -> None:
    [words] = calls_in(line)
    assert problem_with(words) == problem
