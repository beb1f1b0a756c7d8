"""Requests are signed as Standard Webhooks says, so that any of its libraries can verify them."""

import base64
import hmac
from datetime import UTC, datetime

import pytest

from horolog.domain.signing import signed

AT = datetime(2021, 2, 25, 15, 2, 10, tzinfo=UTC)
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_a_signature_is_the_one_of_the_published_example() -> None:
    assert signed(SECRET, ID, AT, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_gives_a_signature_of_its_own() -> None:
    both = signed(f"{SECRET} another-secret", ID, AT, BODY)["webhook-signature"].split(" ")
    assert both == [signed(one, ID, AT, BODY)["webhook-signature"] for one in (SECRET, "another-secret")]


@pytest.mark.parametrize("secret", ["plain-secret", "whsec_not base64"])
def test_what_is_no_base64_is_taken_as_it_is(secret: str) -> None:
    (first, *_) = secret.split()
    content = f"{ID}.1614265330.".encode() + BODY
    expected = base64.b64encode(hmac.digest(first.encode(), content, "sha256")).decode()
    assert signed(secret, ID, AT, BODY)["webhook-signature"].split(" ")[0] == f"v1,{expected}"


def test_another_body_instant_or_id_has_another_signature() -> None:
    seen = {
        signed(SECRET, ID, AT, BODY)["webhook-signature"],
        signed(SECRET, ID, AT, BODY + b" ")["webhook-signature"],
        signed(SECRET, ID, AT.replace(second=11), BODY)["webhook-signature"],
        signed(SECRET, "another", AT, BODY)["webhook-signature"],
    }
    assert len(seen) == 4
