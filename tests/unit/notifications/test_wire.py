"""Each kind of receiver gets what its documentation asks for, and what a tenant wrote cannot break out of it."""

import base64
import hmac
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from horolog.domain.notifications.attempts import Attempted
from horolog.domain.notifications.fold import Made
from horolog.domain.notifications.messages import document_of, text_of, title_of, trial_document_of
from horolog.domain.notifications.rules import ChannelType, Kind, Rule, Target
from horolog.domain.notifications.wire import RENDERERS, WECOM_BYTES_MAX, Letter, judged, wecom
from horolog.domain.signing import signed
from tests.unit.notifications.telling import at, fact, known_job, rule

NAME = "nightly <b> & co\r\nBcc: evil@example.com"
HOOK = "https://hooks.example.com/token"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def document(count: int = 1, job_name: str = NAME, dropped: int = 0, about: Rule | None = None) -> str:
    made = Made("id", about or rule(), {Kind.FAILED: count}, at(0), fact(1, 5, cause="TIMED_OUT", late_s=2.0), dropped)
    return document_of(made, replace(known_job(), name=job_name))


def letter(channel: ChannelType, target: Target, text: str | None = None) -> Letter:
    return Letter("msg-1", channel, text or document(), target)


def test_webhook_is_the_document_itself_signed() -> None:
    sent = letter(ChannelType.WEBHOOK, Target(HOOK, SECRET))
    request = RENDERERS[ChannelType.WEBHOOK](sent, at(0))
    assert request.body == sent.document.encode()
    assert dict(signed(SECRET, "msg-1", at(0), request.body)).items() <= dict(request.headers).items()
    again = RENDERERS[ChannelType.WEBHOOK](sent, at(60))
    assert (again.body, again.headers["webhook-id"]) == (request.body, "msg-1")
    assert again.headers["webhook-signature"] != request.headers["webhook-signature"]


def test_document_tells_ids_counts_and_codes() -> None:
    told = json.loads(document(3, dropped=4))
    data = told["data"]
    assert (told["type"], data["count"], data["counts"], data["droppedCount"]) == ("job.failed", 3, {"failed": 3}, 4)
    assert (data["last"]["cause"], data["last"]["lateSeconds"]) == ("TIMED_OUT", 2.0)
    assert data["job"]["name"] == NAME


def test_service_gets_the_document_with_the_operators_token() -> None:
    request = RENDERERS[ChannelType.SERVICE](letter(ChannelType.SERVICE, Target("http://localhost/n", "tok")), at(0))
    assert request.headers["authorization"] == "Bearer tok"
    assert json.loads(request.body)["data"]["rule"]["name"] == "everything"


def test_slack_gets_one_text_with_its_three_characters_escaped() -> None:
    request = RENDERERS[ChannelType.SLACK](letter(ChannelType.SLACK, Target(HOOK)), at(0))
    text = json.loads(request.body)["text"]
    assert text.startswith("Job nightly &lt;b&gt; &amp; co  Bcc: evil@example.com failed\n")
    assert set(json.loads(request.body)) == {"text"}


def test_address_of_dingtalk_is_signed_over_the_instant() -> None:
    target = Target("https://oapi.dingtalk.com/robot/send?access_token=t", "SEC000000000000000")
    request = RENDERERS[ChannelType.DINGTALK](letter(ChannelType.DINGTALK, target), at(0))
    query = parse_qs(urlsplit(request.url).query)
    instant = str(int(at(0).timestamp() * 1000))
    expected = hmac.digest(target.secrets.encode(), f"{instant}\n{target.secrets}".encode(), "sha256")
    assert query == {"access_token": ["t"], "timestamp": [instant], "sign": [base64.b64encode(expected).decode()]}
    assert json.loads(request.body)["msgtype"] == "text"
    unsigned = RENDERERS[ChannelType.DINGTALK](letter(ChannelType.DINGTALK, Target(HOOK)), at(0))
    assert unsigned.url == HOOK


def test_text_for_wecom_is_cut_between_characters() -> None:
    long = wecom(letter(ChannelType.WECOM, Target(HOOK), document(job_name="任务" * 600)), at(0))
    content = json.loads(long.body)["text"]["content"]
    assert WECOM_BYTES_MAX - 3 < len(content.encode()) <= WECOM_BYTES_MAX


def test_words_for_people_are_lines_that_nobody_else_can_end() -> None:
    told = json.loads(document(3, dropped=2))
    assert "\n" not in title_of(told)
    assert "\r" not in text_of(told)
    assert not any(line.startswith("Bcc:") for line in text_of(told).splitlines())
    assert "2 more before this were not told" in text_of(told)


def test_trial_says_that_it_is_one() -> None:
    told = json.loads(trial_document_of(rule(), at(0)))
    assert told["type"] == "job.test"
    assert title_of(told) == "Test of the rule everything"


@pytest.mark.parametrize(
    ("status", "retry_after", "answer", "expected"),
    [
        (204, None, None, Attempted(status_code=204)),
        (302, None, None, Attempted("HTTP_302", 302)),
        (429, "7", None, Attempted("HTTP_429", 429, retry_after_s=7.0)),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", None, Attempted("HTTP_503", 503)),
        (200, None, b'{"errcode":0}', Attempted(status_code=200)),
        (200, None, b'{"errcode":310000,"errmsg":"x"}', Attempted("ERRCODE_310000", 200)),
        (200, None, b"[]", Attempted("ANSWER_UNREADABLE", 200)),
        (200, None, b'{"errcode":"a secret"}', Attempted("ANSWER_UNREADABLE", 200)),
    ],
)
def test_answer_is_judged_by_its_status_and_where_it_counts_by_its_code(
    status: int, retry_after: str | None, answer: bytes | None, expected: Attempted
) -> None:
    assert judged(status, retry_after, answer) == expected


def test_neither_letters_nor_requests_show_their_target() -> None:
    sent = letter(ChannelType.DINGTALK, Target(HOOK, "SEC000000000000000", ("ada@example.com",)))
    shown = repr(sent) + repr(RENDERERS[ChannelType.DINGTALK](sent, at(0))) + repr(sent.target)
    assert not [secret for secret in ("token", "SEC0", "ada@") if secret in shown]
