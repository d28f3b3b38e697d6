from pathlib import Path

from backends.cgroup import CgroupMemory, ControlGroups
from tests.systems import on_linux

GIB = 1 << 30
MEMINFO = "MemTotal:       8388608 kB\nMemFree:  1048576 kB\nMemAvailable:   6291456 kB\n"
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"
V1_MOUNT = "33 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def machine(root: Path, files: dict[str, object]) -> ControlGroups:
    for name, text in {"proc/meminfo": MEMINFO, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}")
    return ControlGroups(root)


def v2(path: str = "/app", **files: object) -> dict[str, object]:
    inside = {f"sys/fs/cgroup{path}/{name.replace('__', '.')}": text for name, text in files.items()}
    return {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": V2_MOUNT, **inside}


def test_97_without_groups_it_is_the_machine(tmp_path):
    assert machine(tmp_path, {}).memory() == CgroupMemory(8 * GIB, 2 * GIB)


def test_97_a_group_of_version_2_binds_and_its_page_cache_is_no_use(tmp_path):
    stat = f"anon {100 << 20}\ninactive_file {GIB}\nactive_file {GIB}\n"
    groups = machine(
        tmp_path, v2(memory__max=4 * GIB, memory__high="max", memory__current=2 * GIB + (100 << 20), memory__stat=stat)
    )

    assert groups.memory() == CgroupMemory(4 * GIB, 100 << 20)


def test_97_the_smallest_limit_on_the_way_up_binds(tmp_path):
    files = v2("/slice/app", memory__max="max", memory__current=5)
    above = {
        "sys/fs/cgroup/slice/memory.max": 3 * GIB,
        "sys/fs/cgroup/slice/memory.high": 2 * GIB,
        "sys/fs/cgroup/slice/memory.current": GIB,
    }

    assert machine(tmp_path, files | above).memory() == CgroupMemory(2 * GIB, GIB)


def test_97_no_limit_in_version_2_is_the_machine(tmp_path):
    assert machine(tmp_path, v2(memory__max="max", memory__current=5)).memory() == CgroupMemory(8 * GIB, 2 * GIB)


def v1(limit: int, path: str = "/") -> dict[str, object]:
    stat = f"hierarchical_memory_limit {limit}\ntotal_inactive_file {GIB}\ntotal_active_file {GIB}\n"
    return {
        "proc/self/cgroup": f"9:name=systemd:/\n5:memory:{path}\n",
        "proc/self/mountinfo": V1_MOUNT,
        f"sys/fs/cgroup/memory{path}/memory.stat": stat,
        f"sys/fs/cgroup/memory{path}/memory.usage_in_bytes": 3 * GIB,
    }


def test_97_a_group_of_version_1_binds(tmp_path):
    assert machine(tmp_path, v1(4 * GIB, "/docker/abc")).memory() == CgroupMemory(4 * GIB, GIB)


def test_97_the_sentinel_of_version_1_is_no_limit(tmp_path):
    assert machine(tmp_path, v1(9223372036854771712)).memory() == CgroupMemory(8 * GIB, 2 * GIB)


def test_97_a_container_does_not_see_the_path_of_its_group(tmp_path):
    files = v1(4 * GIB, "/")
    files["proc/self/cgroup"] = "5:memory:/docker/hidden\n"

    assert machine(tmp_path, files).memory() == CgroupMemory(4 * GIB, GIB)


def test_97_both_versions_at_once(tmp_path):
    files = v1(4 * GIB)
    files["proc/self/cgroup"] = f"{files['proc/self/cgroup']}0::/\n"
    files["proc/self/mountinfo"] = f"{V1_MOUNT}40 23 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n"

    assert machine(tmp_path, files).memory() == CgroupMemory(4 * GIB, GIB)


def test_the_fullest_group_binds_also_if_it_is_not_the_smallest(tmp_path):
    own = v2(memory__max=2 * GIB, memory__current=GIB // 2)
    above = {"sys/fs/cgroup/memory.max": 4 * GIB, "sys/fs/cgroup/memory.current": 3 * GIB}

    assert machine(tmp_path, own | above).memory() == CgroupMemory(4 * GIB, 3 * GIB)


def test_nothing_known_is_absent(tmp_path):
    groups = machine(tmp_path, {"proc/meminfo": ""})

    assert groups.memory() is None
    assert groups.pressure("memory") is None
    assert groups.throttling() is None
    assert groups.out_of_memory() is None


PSI = "some avg10=12.50 avg60=1.00 avg300=0.10 total=5\nfull avg10=0.75 avg60=0.00 avg300=0.00 total=2\n"


def test_pressure_is_that_of_the_group_or_else_of_the_machine(tmp_path):
    machine(tmp_path, {"proc/pressure/memory": PSI.replace("12.50", "3.00")})
    assert ControlGroups(tmp_path).pressure("memory") == (3.0, 0.75)
    assert machine(tmp_path, v2(memory__pressure=PSI)).pressure("memory") == (12.5, 0.75)


def test_pressure_without_a_line_for_all_is_zero(tmp_path):
    groups = machine(tmp_path, {"proc/pressure/cpu": PSI.splitlines()[0] + "\n"})

    assert groups.pressure("cpu") == (12.5, 0.0)


def test_throttling_and_kills_are_counted_in_both_versions(tmp_path):
    new = machine(
        tmp_path / "new", v2(cpu__stat="nr_periods 100\nnr_throttled 30\n", memory__events="max 9\noom 1\noom_kill 2\n")
    )
    assert (new.throttling(), new.out_of_memory()) == ((100, 30), 3), "reaching the limit is not running out"
    old = machine(
        tmp_path / "old",
        {
            **v1(4 * GIB),
            "proc/self/cgroup": "5:memory:/\n4:cpu,cpuacct:/\n",
            "proc/self/mountinfo": f"{V1_MOUNT}34 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
            "sys/fs/cgroup/cpu/cpu.stat": "nr_periods 10\nnr_throttled 1\nthrottled_time 5\n",
            "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        },
    )
    assert (old.throttling(), old.out_of_memory()) == ((10, 1), 3)


def test_the_fullest_group_bounds_processes_in_both_versions(tmp_path):
    own = v2("/slice/app", pids__max="max", pids__current=30)
    above = {"sys/fs/cgroup/slice/pids.max": 200, "sys/fs/cgroup/slice/pids.current": 150}
    assert machine(tmp_path / "new", own).processes_share() is None
    assert machine(tmp_path / "above", own | above).processes_share() == 0.75
    old = {
        "proc/self/cgroup": "7:pids:/app\n",
        "proc/self/mountinfo": "33 31 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
        "sys/fs/cgroup/pids/app/pids.max": 100,
        "sys/fs/cgroup/pids/app/pids.current": 90,
    }
    assert machine(tmp_path / "old", old).processes_share() == 0.9


@on_linux
def test_this_machine_can_be_read():
    memory = ControlGroups().memory()

    assert memory is not None
    assert 0 < memory.share < 1
