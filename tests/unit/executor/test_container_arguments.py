"""What the engine is called with, word by word: nothing of a job becomes a flag, and nothing is left to a default."""

from dataclasses import replace

import pytest

from horolog.adapters.containers.arguments import Naming, container_name, run_arguments, variables_text
from horolog.adapters.containers.engine import Engine
from services.executor.processes import Program

ENGINE = Engine("/usr/bin/engine", ("horolog:1", "tools"), memory_mb=512, tmp_mb=256, process_count=100)
PROGRAM = Program(("sort", "-r"), {"A": "1"}, limits={"CORE": 0, "NOFILE": 1024})
NAMING = Naming("horolog-1-a-3", "horolog-1")


def arguments(engine: Engine = ENGINE, program: Program = PROGRAM, account: int | None = None) -> list[str]:
    return run_arguments(engine, program, NAMING, account, 7, has_input=False)


def test_everything_is_said_and_the_program_comes_last() -> None:
    assert arguments() == [
        *("run", "--rm", "--init", "--pull=never", "--log-driver=none"),
        *("--name=horolog-1-a-3", "--label=horolog.maker=horolog-1", "--network=none"),
        *("--ipc=private", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534"),
        *("--memory=768m", "--memory-swap=768m", "--pids-limit=101", "--shm-size=256m"),
        *("--ulimit=core=0:0", "--ulimit=nofile=1024:1024"),
        "--tmpfs=/tmp:rw,nosuid,nodev,exec,mode=1777,size=256m",
        "--tmpfs=/job:rw,nosuid,nodev,exec,mode=1777,size=256m",
        *("--workdir=/job", "--env-file=/proc/self/fd/7", "--entrypoint=sort", "horolog:1", "-r"),
    ]


def test_what_the_operator_sets_is_passed_on() -> None:
    places = (("/srv/in", "readable"), ("/srv/out", "writable"), ("/srv/in/home", "hidden"))
    said = arguments(replace(ENGINE, cpus=0.5, places=places), account=200_003)
    assert {"--cpus=0.5", "--user=200003:200003", "--volume=/srv/in:/srv/in:ro", "--volume=/srv/out:/srv/out:rw"} <= {
        *said
    }
    assert "--tmpfs=/srv/in/home:ro,nosuid,nodev,noexec,mode=0755,size=64k" in said


@pytest.mark.parametrize(
    ("network", "has_network", "said"), [(None, True, "none"), ("jobs", True, "jobs"), ("jobs", False, "none")]
)
def test_a_network_takes_the_operator_and_the_job(network: str | None, has_network: bool, said: str) -> None:
    words = arguments(replace(ENGINE, network=network), replace(PROGRAM, has_network=has_network))
    assert [word for word in words if word.startswith("--network")] == [f"--network={said}"]


def test_what_looks_like_a_flag_in_a_job_is_none() -> None:
    hostile = replace(PROGRAM, argv=("--privileged", "--volume=/:/host"), directory="--privileged")
    words = arguments(program=hostile)
    before = words[: words.index("horolog:1")]
    assert [word for word in before if "privileged" in word] == [
        *("--workdir=--privileged", "--entrypoint=--privileged")
    ]
    assert words[words.index("horolog:1") + 1 :] == ["--volume=/:/host"]


def test_an_image_is_one_of_the_operators_or_there_is_no_run() -> None:
    assert "tools" in arguments(program=replace(PROGRAM, image="tools"))
    with pytest.raises(ValueError, match="operator"):
        arguments(program=replace(PROGRAM, image="elsewhere"))


def test_variables_are_told_in_a_file_and_those_that_cannot_be_are_refused() -> None:
    for value in (" b = c ", '{"a": 1}', '"a"', "it's", ""):
        assert variables_text(replace(PROGRAM, environment={"A": value})) == f"HOME=/job\nA={value}\n"
    for value in ("a\nDOCKER_HOST=evil", "a\rb", '"', "'a", "\"a'", "`a b"):
        with pytest.raises(ValueError, match="in a line"):
            variables_text(replace(PROGRAM, environment={"A": value}))


def test_a_name_tells_the_attempt_and_holds_nothing_that_an_engine_would_refuse() -> None:
    assert container_name("horolog-1", 7, "aaaa-3") == "horolog-1-7-aaaa-3"
    assert container_name("horolog-1", 7, "a b/=") == "horolog-1-7-a-b--"
