"""What engines are started with, and which options are refused."""

from pathlib import Path

import pytest
import yaml

from rankbeam.pipeline.engines.flink_engine import configuration, plan_flink
from rankbeam.pipeline.engines.options import EngineOptions, parse_settings
from rankbeam.pipeline.engines.spark_engine import plan_spark
from rankbeam.transform.errors import ConfigError

_JARS = Path("/jars")


def test_flink_has_network_memory_for_every_slot() -> None:
    # 1 GB is what the DAG was measured to need with two slots; it is never less.
    expected = {1: "1024m", 2: "1024m", 4: "2048m", 8: "4096m"}
    for slots, size in expected.items():
        conf = configuration(EngineOptions(slots=slots))
        assert conf["taskmanager.memory.network.min"] == size
        assert conf["taskmanager.memory.network.max"] == size
        assert conf["taskmanager.numberOfTaskSlots"] == str(slots)


def test_flink_in_one_process_writes_its_configuration(tmp_path: Path) -> None:
    options = EngineOptions(slots=3, memory_mb=700, port=1234, settings=(("a.b", "c"),))
    [server] = plan_flink("/bin/java", _JARS, tmp_path, options)
    assert server.command[0] == "/bin/java"
    assert "-Xmx700m" in server.command
    assert "--job-port=1234" in server.command
    assert "--flink-master=[local]" in server.command
    assert f"--flink-conf-dir={tmp_path}/conf" in server.command
    written = yaml.safe_load((tmp_path / "conf" / "flink-conf.yaml").read_text())
    assert written["taskmanager.numberOfTaskSlots"] == 3
    assert written["a.b"] == "c"


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    """A folder with a large and a small jar."""
    folder = tmp_path / "jars"
    folder.mkdir()
    for name, size in (("a.jar", 100), ("b.jar", 10)):
        (folder / name).write_bytes(b"x" * size)
    return folder


def test_flink_of_separate_processes_sends_jobs_without_the_jars_that_all_have(
    jars: Path, tmp_path: Path
) -> None:
    planned = plan_flink("java", jars, tmp_path, EngineOptions(task_managers=2))
    assert all(f"{jars}/*" in process.command for process in planned)
    server = planned[-1]
    driver = "org.apache.beam.runners.flink.FlinkJobServerDriver"
    start = server.command.index("run")
    assert server.command[start : start + 4] == ["run", "-c", driver, f"{jars}/b.jar"]
    assert "--flink-master=[auto]" in server.command
    # Of this engine's Flink, not of one that the user has.
    assert server.environment == {"FLINK_CONF_DIR": str(tmp_path / "conf")}


def test_flink_of_separate_processes_has_one_of_each_and_its_task_managers(
    jars: Path, tmp_path: Path
) -> None:
    options = EngineOptions(slots=1, task_managers=2, web_port=18081)
    planned = plan_flink("java", jars, tmp_path, options)
    assert [process.name for process in planned] == [
        "job-manager",
        "task-manager-1",
        "task-manager-2",
        "job-server",
    ]
    for manager in planned[1:3]:
        assert f"taskmanager.resource-id={manager.name}" in manager.command
    conf = configuration(options)
    assert conf["rest.port"] == "18081"
    assert conf["jobmanager.rpc.port"] != conf["rest.port"]
    # Lost with one task manager, tasks go to the other, which was seen to take two attempts; alone,
    # there is none to go to.
    assert int(conf["restart-strategy.fixed-delay.attempts"]) > 2
    alone = configuration(EngineOptions(slots=1, task_managers=1))
    assert alone["rest.port"] == "8081"
    assert alone["restart-strategy.fixed-delay.attempts"] == "0"


def test_settings_of_the_caller_come_last() -> None:
    options = EngineOptions(slots=1, settings=parse_settings(("rest.port = 5", "x=y=z")))
    assert dict(options.settings) == {"rest.port": "5", "x": "y=z"}
    assert configuration(options)["rest.port"] == "5"


def test_spark_runs_a_thread_per_slot(tmp_path: Path) -> None:
    options = EngineOptions(slots=3, memory_mb=900, port=77)
    [server] = plan_spark("java", _JARS, tmp_path, options)
    assert "--spark-master-url=local[3]" in server.command
    assert "--job-port=77" in server.command
    assert "-Xmx900m" in server.command
    assert server.command.index("-cp") < server.command.index(
        "org.apache.beam.runners.spark.SparkJobServerDriver"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"slots": 0}, r"--slots must be >= 1; got 0"),
        ({"memory_mb": 100}, r"--memory must be >= 512; got 100"),
        ({"task_managers": -1}, r"--task-managers must be >= 0; got -1"),
        ({"port": 0}, r"--port must be a port from 1 to 65535; got 0"),
        ({"web_port": 65536}, r"--web-port must be a port from 1 to 65535; got 65536"),
        ({"web_port": 9000}, r"--web-port must be left out without --task-managers; got 9000"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        EngineOptions(**wrong)  # type: ignore[arg-type]


def test_settings_without_a_value_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^--setting must be KEY=VALUE; got rest.port$"):
        parse_settings(("rest.port",))


def test_spark_refuses_what_is_flinks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--task-managers must be left out for spark; got 2$"):
        plan_spark("java", _JARS, tmp_path, EngineOptions(slots=1, task_managers=2))
    with pytest.raises(ConfigError, match=r"^--setting must be left out for spark; got a$"):
        plan_spark("java", _JARS, tmp_path, EngineOptions(slots=1, settings=(("a", "b"),)))
