"""However a text is cut into pieces, no secret is in what is told, and together that is what is told of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from horolog.domain.sensitive import MASK
from schemas.events.output import OutputStream
from services.executor.runner import Piece
from services.executor.scrubbing import LIVE_FORM_COUNT_MAX, ScrubbedTap, Scrubber

SECRET = "correct-horse-battery"
LONG = "0123456789abcdef" * 30 + "!"
AROUND = f"before {SECRET} and {SECRET}{SECRET}, after."


@dataclass
class Pieces:
    """Implements `Tap`: gives these pieces, one at a time."""

    texts: list[str]
    is_cut: bool = False
    stream: OutputStream = field(default=OutputStream.STDOUT)

    def take(self) -> Piece | None:
        if not self.texts:
            return None
        text = self.texts.pop(0)
        return Piece(text, self.is_cut and not self.texts)


def told(secrets: Sequence[str], *pieces: str) -> list[str]:
    """What is told of each piece."""
    tap = ScrubbedTap(Pieces([*pieces]), Scrubber(secrets))
    found = [tap.take() for _ in pieces]
    return ["" if piece is None else piece.text for piece in found]


@pytest.mark.parametrize("cut", range(len(AROUND) + 1))
def test_a_secret_that_two_pieces_share_is_never_told(cut: int) -> None:
    found = told([SECRET], AROUND[:cut], AROUND[cut:])
    assert "".join(found) == AROUND.replace(SECRET, MASK)
    assert "corr" not in "".join(found)


def test_a_secret_that_comes_letter_by_letter_is_never_told() -> None:
    assert "".join(told([SECRET], *AROUND)) == AROUND.replace(SECRET, MASK)


@pytest.mark.parametrize("seed", range(200))
def test_pieces_of_any_size_are_told_as_the_whole_is(seed: int) -> None:
    random = Random(seed)
    secrets = ["".join(random.choices("ab", k=random.randrange(4, 12))) for _ in range(3)]
    text = "".join(random.choice([*secrets, "a", "b", "\n"]) for _ in range(60)) + "\n\n"
    pieces, rest = list[str](), text
    while rest:
        size = random.randrange(1, 9)
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    assert "".join(told(secrets, *pieces)) == Scrubber(secrets).text(text)
    assert not [secret for secret in secrets if secret in "".join(told(secrets, *pieces))]


def test_what_cannot_be_the_beginning_of_a_secret_is_told_at_once() -> None:
    assert told([LONG], "one\n", "two\n") == ["one\n", "two\n"]
    assert told([LONG], f"{LONG[:20]}, and\n") == [f"{LONG[:20]}, and\n"]
    assert told([SECRET], "a line\ncorrec", "tion\n") == ["a line\n", "correction\n"]


def test_a_text_that_seems_to_begin_a_long_secret_everywhere_is_held_back_and_not_searched_for_ever() -> None:
    secret, text = "a" * 3000 + "b", ("a" * 500 + "c") * 20
    assert text.startswith("".join(told([secret], text, "\n")))
    found = "".join(told([secret], text, "x" + "a" * 3000, "b\n"))
    assert found
    assert "a" * 501 not in found


def test_secrets_that_overlap_are_masked_together() -> None:
    assert Scrubber(["abcdefgh", "efghijkl"]).text("x abcdefghijkl y") == f"x {MASK} y"
    assert "".join(told(["abcdefgh", "efghijkl"], "x abcdefg", "hij", "kl y")) == f"x {MASK} y"


def test_that_nothing_more_is_kept_is_told_even_where_no_text_is() -> None:
    tap = ScrubbedTap(Pieces(["corr"], is_cut=True), Scrubber([SECRET]))
    assert tap.take() == Piece("", is_cut=True)
    assert tap.take() is None


def test_with_very_many_secrets_nothing_is_looked_through_while_it_is_printed() -> None:
    assert Scrubber([SECRET, LONG]).is_light
    assert not Scrubber([f"secret number {number}" for number in range(LIVE_FORM_COUNT_MAX)]).is_light
