"""What tenants that nobody created may use is told to processes at their start, or they do not start."""

import json

import pytest

from horolog.cli.devexamples import needed
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from schemas.tenants import CLOSED, Quotas, TenantSettings

NAME = "HOROLOG_TENANT_DEFAULTS"


def test_without_a_word_nothing_is_allowed_and_no_quota_is_set() -> None:
    assert from_environment({}).tenant_defaults == CLOSED == TenantSettings()


def test_the_defaults_are_the_settings_of_a_tenant_as_json() -> None:
    wanted = TenantSettings(quotas=Quotas(max_jobs=5), allowed_executables=("/bin/true",), http_allowed=("10.0.0.0/8",))
    assert from_environment({NAME: wanted.to_json().decode()}).tenant_defaults == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "must be JSON"),
        ("[]", "not the settings of a tenant"),
        ('{"quotas": {"maxJobs": "5"}}', "quotas.maxJobs"),
        ('{"allowedExecutables": ["bin/true"]}', "without a slash, or an absolute path"),
        ('{"httpAllowed": ["10.0.0.1/8"]}', "host bits set"),
        ('{"allowedModules": ["a.*"]}', "allowedModules"),
        ('{"weight": 0}', "weight"),
        ('{"surprise": 1}', "surprise"),
    ],
)
def test_what_is_no_settings_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=NAME) as refused:
        from_environment({NAME: text})
    assert words in str(refused.value)


def test_dev_allows_what_its_examples_need_and_no_more_of_functions() -> None:
    examples = needed()
    assert examples.allowed_modules == ("examples.functions",)
    assert {"df", "uname", "/bin/sh"} <= {*examples.allowed_executables}
    assert TenantSettings.read(json.loads(examples.to_json())) == examples
