"""The sessions leave nothing out but what has a command of its own, and run nothing twice."""

from tests.__main__ import ON_DEMAND, sessions
from tests.tidy.tree import ROOT, python_files


def test_each_test_belongs_to_one_session() -> None:
    (everything, *left_out), *others = sessions()
    named = [folder for session in others for folder in session]
    assert everything == "tests"
    assert sorted(option.removeprefix("--ignore=") for option in left_out) == sorted([*named, *ON_DEMAND])
    assert not [(a, b) for a in named for b in named if a != b and f"{a}/".startswith(f"{b}/")]
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [folder for folder in ON_DEMAND if f"pytest {folder}" not in makefile] == []
    assert all(path.parts[0] == "tests" for path in python_files() if path.name.startswith("test_"))
