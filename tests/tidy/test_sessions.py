"""The two sessions in which everything is run leave nothing out and run nothing twice."""

from tests.__main__ import sessions
from tests.tidy.tree import ROOT, python_files


def test_each_test_belongs_to_one_session() -> None:
    waiting, (everything, *left_out) = sessions()
    assert everything == "tests"
    assert [option.removeprefix("--ignore=") for option in left_out] == waiting
    assert [folder for folder in waiting if not (ROOT / folder).is_dir()] == []
    assert all(path.parts[0] == "tests" for path in python_files() if path.name.startswith("test_"))
