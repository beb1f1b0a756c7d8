"""The README leads to every document."""

from tests.tidy.tree import ROOT


def test_every_document_has_its_place_in_the_index() -> None:
    index = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Documents")[2]
    documents = [path for path in (ROOT / "docs").iterdir() if path.name != "adr"]
    assert len(documents) > 15
    assert [path.name for path in documents if f"`docs/{path.name}`" not in index] == []
