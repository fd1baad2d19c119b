"""Flink's processes: one job server that runs tasks itself, or a cluster of separate processes.

The cluster is a job manager, task managers, and the job server that hands them Beam's jobs. All run
from the same jars, so none needs a Flink distribution.
"""

from pathlib import Path

from rankbeam.pipeline.engines.members import Planned, temporary
from rankbeam.pipeline.engines.options import EngineOptions

VERSION = "Flink 1.19.0, Beam 2.62.0"
JOB_MANAGER, JOB_SERVER = "job-manager", "job-server"

_JOB_SERVER_CLASS = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_CLIENT_CLASS = "org.apache.flink.client.cli.CliFrontend"
_JOB_MANAGER_CLASS = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER_CLASS = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

# Flink's memory outside the heap, in MB. Transform's graph has some 600 edges, each of which wants
# buffers in every slot: two slots run short of Flink's default and of 768 MB, and not of 1 GB.
_NETWORK_PER_SLOT_MB = 512
_LEAST_NETWORK_MB = 1024
_MANAGED_PER_SLOT_MB = 256
_FRAMEWORK_MB = 128
_METASPACE_MB = 512
_OVERHEAD_MB = 256
_COORDINATOR_HEAP_MB = 768
_JOBS_AT_ONCE = 4

RESTART_DELAY_S = 5
"""Time from a task's failure to its next attempt."""
WORKER_KEPT_MS = 4_000
"""How long a task manager keeps a job's Python worker that has nothing to do.

Beam's default is to start another for each stage, and each imports TensorFlow. Less than the delay
of a restart: a worker that died is kept as well, and the next attempt must not be given it.
"""

# Java 17 closes to Flink's serializers what Java 8 left open.
_OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
)
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)


def plan_flink(java: str, jars: Path, folder: Path, options: EngineOptions) -> list[Planned]:
    """The processes to start, in order; writes Flink's configuration file below `folder`.

    Args:
        java: The `java` to run.
        jars: Folder of the jars.
        folder: The engine's folder.
        options: How it is started.

    Raises:
        OSError: The folder cannot be written.
    """
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {value}" for key, value in configuration(options).items()]
    (conf / "flink-conf.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    base = [java, *(f"--add-opens={opened}=ALL-UNNAMED" for opened in _OPENED), *_LOGGING]
    base.append(f"-Djava.io.tmpdir={temporary(folder)}")
    path = ["-cp", f"{jars}/*"]
    server = [f"--job-port={options.port}", "--artifact-port=0"]
    server += ["--expansion-port=0", f"--flink-conf-dir={conf}"]
    if not options.task_managers:
        # Each job gets a network of its own there, and a job that was cancelled keeps it until its
        # worker is given up. This is a limit, not a reservation.
        sizes = _heap(options.memory_mb, _JOBS_AT_ONCE * _direct_mb(options))
        local = [_JOB_SERVER_CLASS, *server, "--flink-master=[local]"]
        return [Planned(JOB_SERVER, [*base, *sizes, *path, *local])]
    heap = _heap(_COORDINATOR_HEAP_MB, _COORDINATOR_HEAP_MB)
    configured = ["--configDir", str(conf)]
    planned = [Planned(JOB_MANAGER, [*base, *heap, *path, _JOB_MANAGER_CLASS, *configured])]
    for number in range(1, options.task_managers + 1):
        name = f"task-manager-{number}"
        # Heaps as Flink's own scripts derive them from the sizes in the configuration.
        sizes = _heap(options.memory_mb + _FRAMEWORK_MB, _direct_mb(options))
        own = ["-D", f"taskmanager.resource-id={name}"]
        command = [*base, *sizes, *path, _TASK_MANAGER_CLASS, *configured, *own]
        planned.append(Planned(name, command))
    run = [*base, *heap, *path, *_run(jars), *server, "--flink-master=[auto]"]
    return [*planned, Planned(JOB_SERVER, run, {"FLINK_CONF_DIR": str(conf)})]


def _run(jars: Path) -> list[str]:
    """The words of `flink run`, in which the job server sends each job this one jar of its own.

    By itself it sends all jars on its class path, 150 MB, which are on the others' already.
    """
    smallest = min(jars.glob("*.jar"), key=lambda jar: (jar.stat().st_size, jar.name))
    return [_CLIENT_CLASS, "run", "-c", _JOB_SERVER_CLASS, str(smallest)]


def configuration(options: EngineOptions) -> dict[str, str]:
    """Flink's configuration: what the DAG needs, then what the caller sets."""
    network = _network_mb(options)
    conf = {
        "taskmanager.numberOfTaskSlots": str(options.slots),
        "taskmanager.memory.network.min": f"{network}m",
        "taskmanager.memory.network.max": f"{network}m",
        "taskmanager.memory.managed.size": f"{_managed_mb(options)}m",
        # A killed task manager costs more attempts, not the run: two where measured, since what
        # starts again finds by and by which results were lost with it. A job that is wrong in
        # itself fails as often, so the number is small.
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "4" if options.task_managers > 1 else "0",
        "restart-strategy.fixed-delay.delay": f"{RESTART_DELAY_S} s",
    }
    if options.task_managers:
        conf |= _cluster(options)
    return conf | dict(options.settings)


def _cluster(options: EngineOptions) -> dict[str, str]:
    return {
        "jobmanager.rpc.address": "localhost",
        # The port of REST plus a fixed distance, so that two clusters do not meet.
        "jobmanager.rpc.port": str(_rpc_port(options.rest_port)),
        "jobmanager.bind-host": "localhost",
        "jobmanager.memory.process.size": "1600m",
        "rest.address": "localhost",
        "rest.bind-address": "localhost",
        "rest.port": str(options.rest_port),
        "taskmanager.host": "localhost",
        "taskmanager.bind-host": "localhost",
        "taskmanager.cpu.cores": str(options.slots),
        "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK_MB}m",
        "taskmanager.memory.framework.off-heap.size": f"{_FRAMEWORK_MB}m",
        "taskmanager.memory.task.heap.size": f"{options.memory_mb}m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.jvm-metaspace.size": f"{_METASPACE_MB}m",
        "taskmanager.memory.jvm-overhead.min": f"{_OVERHEAD_MB}m",
        "taskmanager.memory.jvm-overhead.max": f"{_OVERHEAD_MB}m",
        # Beam's classes are on every class path already; a job's own copies would not match them.
        "classloader.resolve-order": "parent-first",
        # A job with fewer tasks than slots uses all machines, not one to the full.
        "cluster.evenly-spread-out-slots": "true",
        # A task manager that is killed is missed after this, not after Flink's 50 s.
        "heartbeat.interval": "2000",
        "heartbeat.timeout": "15000",
    }


def _rpc_port(web_port: int) -> int:
    distance = 1000
    return web_port - distance if web_port > 2 * distance else web_port + distance


def _network_mb(options: EngineOptions) -> int:
    return max(_LEAST_NETWORK_MB, _NETWORK_PER_SLOT_MB * options.slots)


def _managed_mb(options: EngineOptions) -> int:
    return _MANAGED_PER_SLOT_MB * options.slots


def _direct_mb(options: EngineOptions) -> int:
    # gRPC's buffers to and from the Python workers come on top of Flink's own.
    return _network_mb(options) + _FRAMEWORK_MB + 512


def _heap(heap_mb: int, direct_mb: int) -> list[str]:
    return [f"-Xmx{heap_mb}m", f"-XX:MaxDirectMemorySize={direct_mb}m"]
