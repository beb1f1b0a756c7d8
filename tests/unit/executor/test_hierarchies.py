"""Where control groups may be made, read from what Linux tells of mounts and of this process's own groups."""

from pathlib import Path

from horolog.adapters.groups.hierarchies import Hierarchy, hierarchies_in, resources_of

HYBRID_MOUNTS = """\
30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/memory rw,relatime shared:11 - cgroup cgroup rw,memory
34 30 0:30 / /sys/fs/cgroup/freezer rw,relatime shared:12 - cgroup cgroup rw,freezer
"""
HYBRID_GROUPS = "4:memory:/service/a\n3:freezer:/\n2:cpu,cpuacct:/\n1:name=systemd:/x\n0::/x\n"


def test_controllers_of_version_one_are_found_each_where_it_is_mounted() -> None:
    found = [one for one in hierarchies_in(HYBRID_GROUPS, HYBRID_MOUNTS) if one.controllers]
    assert found == [
        Hierarchy(1, "/sys/fs/cgroup/memory/service/a", ("memory",)),
        Hierarchy(1, "/sys/fs/cgroup/cpu,cpuacct", ("cpu",)),
    ]
    assert resources_of(found) == ("memory", "cpu")


def test_in_a_container_a_group_is_where_the_part_that_is_mounted_shows_it() -> None:
    mounts = "33 30 0:29 /docker/7f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    [at_its_root] = hierarchies_in("4:memory:/docker/7f\n", mounts)
    [below] = hierarchies_in("4:memory:/docker/7f/part\n", mounts)
    assert (at_its_root.base, below.base) == ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/part")


def test_of_version_two_what_the_own_group_offers_counts(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    [found] = hierarchies_in("0::/own\n", f"31 30 0:27 / {tmp_path} rw - cgroup2 cgroup2 rw,nsdelegate\n")
    assert found == Hierarchy(2, str(tmp_path / "own"), ("cpu", "memory", "pids"))
    assert resources_of([found]) == ("memory", "processes", "cpu")


def test_what_is_not_mounted_is_not_there() -> None:
    assert list(hierarchies_in(HYBRID_GROUPS, "")) == []
