"""Every tidy rule finds a planted breach, and leaves the proper form of the same thing alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy import rules, shape_rules, text_rules
from tests.tidy.rules import RULES
from tests.tidy.tree import committable_files

DOC = '"""What it is for."""\n'

# (rule, sources that break it, sources that keep it)
PLANTED: list[tuple[str, list[str], list[str]]] = [
    ("long_file", ["x = 1\n" * 401], ["x = 1\n" * 400]),
    ("long_functions", ["def f():\n" + "    x = 1\n" * 60], ["def f():\n" + "    x = 1\n" * 59]),
    ("long_tests", ["async def test_f():\n" + "    x = 1\n" * 30], ["def f():\n" + "    x = 1\n" * 40]),
    ("missing_module_doc", ["x = 1\n", '"""  """\n', ""], [DOC]),
    (
        "deep_nesting",
        [
            "def f():\n if a:\n  for b in c:\n   with d:\n    while e:\n     pass\n",
            "def f():\n try:\n  pass\n except E:\n  if a:\n   if b:\n    if c:\n     pass\n",
            "def f():\n if a:\n  pass\n else:\n  for b in c:\n   if d:\n    if e:\n     pass\n",
        ],
        [
            "def f():\n if a:\n  for b in c:\n   with d:\n    pass\n",
            "def f():\n if a:\n  x\n elif b:\n  x\n elif c:\n  x\n elif d:\n  x\n else:\n  x\n",
        ],
    ),
    (
        "hidden_inputs",
        [
            "import datetime\ndatetime.datetime.now()\n",
            "import datetime as dt\nx = dt.date.today\n",
            "from datetime import datetime as d, UTC\nd.now(UTC)\n",
            "from uuid import uuid4\n",
            "import time\ntime.time()\n",
            "from random import choice\n",
            "import random\nrandom.Random(1)\n",
        ],
        [
            "import time\ntime.monotonic()\n",
            "from uuid import uuid5\n",
            "def f(clock):\n    return clock.now()\n",
        ],
    ),
    (
        "led_astray",
        [
            "import httpx\nhttpx.AsyncClient(timeout=5)\n",
            "import httpx\nhttpx.Client(trust_env=True)\n",
            "from httpx import AsyncHTTPTransport as Transport\nTransport()\n",
            "import httpx\nhttpx.get('https://example.com')\n",
            "client.get(url, follow_redirects=True)\n",
        ],
        [
            "import httpx\nhttpx.AsyncClient(timeout=5, trust_env=False)\n",
            "import httpx\nhttpx.Client(**settings.options())\n",
            "import httpx\nhttpx.Request('GET', url)\n",
            "client.get(url)\n",
        ],
    ),
    ("awaiting", ["async def f(): ...\n"], ["def f(): ...\n"]),
    (
        "foreign_to_domain",
        ["import httpx\n", "from services.api import app\n"],
        ["import json\nfrom pydantic import Field\nfrom schemas import jobs\nfrom horolog import limits\n"],
    ),
    (
        "timed_sleep",
        [
            "import asyncio\nasyncio.sleep(0.1)\n",
            "from time import sleep\nsleep(1)\n",
            "import time\ntime.sleep(pause)\n",
            "import asyncio as aio\naio.sleep(1 / 100)\n",
            "import asyncio\nasyncio.sleep(-1)\n",
        ],
        [
            "import asyncio\nasyncio.sleep(0)\n",
            "clock.sleep(5)\n",
            "import asyncio\nasyncio.sleep(pause_s)\n",
        ],
    ),
    (
        "skipped_test",
        [
            "import pytest\npytest.skip('no')\n",
            "import pytest\n@pytest.mark.skipif(a, reason='')\ndef test_a(): ...\n",
            "import pytest as p\n@p.mark.xfail\ndef test_a(): ...\n",
            "from pytest import importorskip as need\nneed('x')\n",
        ],
        ["import pytest\n@pytest.mark.kafka\ndef test_a(): ...\n"],
    ),
    (
        "mocking",
        ["from unittest.mock import Mock\n", "from unittest import mock\n", "def test_a(monkeypatch): ...\n"],
        ["def test_a(tmp_path): ...\n"],
    ),
    (
        "unclear_test",
        ["class TestJob: ...\n", "async def test_job_should_run(): ...\n"],
        ["def test_job_runs_once(): ...\n", "def test_shoulder_is_no_wish(): ...\n"],
    ),
    (
        "machine_traces",
        [
            "cd /wo" + "rk/main",
            'path = "/ro' + 'ot/x"',
            "pip --index" + "-url x",
            "see https://pypi" + ".org/p",
        ],
        ["services/worker/", "https://example.org/job/", "the root/ folder"],
    ),
    ("left_overs", ["# TO" + "DO later", "FIX" + "ME: broken"], ["nothing to do", "fixed"]),
]


def _rule(name: str) -> rules.Rule:
    return next(rule for rule in RULES if rule.name == name)


def test_every_rule_has_a_planted_breach() -> None:
    assert sorted(name for name, _, _ in PLANTED) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize(("name", "source"), [(name, bad) for name, broken, _ in PLANTED for bad in broken])
def test_rule_finds_the_planted_breach(name: str, source: str) -> None:
    assert _rule(name).breaches(source)


@pytest.mark.parametrize(("name", "source"), [(name, good) for name, _, kept in PLANTED for good in kept])
def test_rule_leaves_proper_code_alone(name: str, source: str) -> None:
    assert _rule(name).breaches(source) == []


def test_package_doc_of_two_lines_is_thin() -> None:
    assert shape_rules.thin_package_doc('"""One.\n\nTwo.\n"""')
    assert not shape_rules.thin_package_doc('"""One.\n\nTwo.\nThree.\n"""')


def test_package_with_only_an_init_needs_no_long_doc() -> None:
    paths = [
        Path("a/__init__.py"),
        Path("a/b/__init__.py"),
        Path("a/b/__main__.py"),
        Path("c/d.py"),
        Path("tests/__init__.py"),
    ]
    assert rules.packages_with_modules(paths) == [Path("a/__init__.py")]


@pytest.mark.parametrize("name", ["a/utils.py", "a/shared/b.py", "http_helpers.py", "lock-manager.sh", "common.sql"])
def test_shrugging_name_is_found_anywhere_in_a_path(name: str) -> None:
    assert text_rules.shrugging_name(Path(name))


def test_telling_name_is_left_alone() -> None:
    assert not text_rules.shrugging_name(Path("services/dispatcher/leases.py"))


def test_only_the_system_adapter_may_read_the_clock() -> None:
    assert rules.is_product(Path("horolog/adapters/redis.py"))
    assert not rules.is_product(rules.SYSTEM_ADAPTER)


def test_tree_outside_git_leaves_caches_out(tmp_path: Path) -> None:
    for name in ("a.py", ".venv/b.py", "__pycache__/c.py", ".ci/run"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert committable_files(tmp_path) == [Path(".ci/run"), Path("a.py")]
