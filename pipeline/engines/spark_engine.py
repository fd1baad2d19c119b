"""Spark inside Beam's job server: one process, whose tasks are threads."""

from pathlib import Path

from rankbeam.pipeline.engines.members import Planned, temporary
from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.transform.errors import ConfigError

VERSION = "Spark 3.5.1, Beam 2.50.0"

_CLASS = "org.apache.beam.runners.spark.SparkJobServerDriver"
# Those that Spark's own launcher opens on Java 17.
_OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
)


def plan_spark(java: str, jars: Path, folder: Path, options: EngineOptions) -> list[Planned]:
    """The process to start.

    Args:
        java: The `java` to run.
        jars: Folder of the jars.
        folder: The engine's folder.
        options: How it is started.

    Raises:
        ConfigError: Task managers or settings are asked for, which are Flink's.
    """
    if options.task_managers:
        raise ConfigError(
            f"--task-managers must be left out for spark; got {options.task_managers}"
        )
    if options.settings:
        raise ConfigError(f"--setting must be left out for spark; got {options.settings[0][0]}")
    command = [
        java,
        *(f"--add-opens={opened}=ALL-UNNAMED" for opened in _OPENED),
        f"-Xmx{options.memory_mb}m",
        f"-Djava.io.tmpdir={temporary(folder)}",
        # Its page would be one more port, for jobs that last seconds.
        "-Dspark.ui.enabled=false",
        "-Dspark.driver.host=localhost",
        "-Dspark.driver.bindAddress=127.0.0.1",
        "-cp",
        f"{jars}/*",
        _CLASS,
        f"--job-port={options.port}",
        "--artifact-port=0",
        "--expansion-port=0",
        f"--spark-master-url=local[{options.slots}]",
    ]
    return [Planned("job-server", command)]
