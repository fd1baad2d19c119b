"""A NameNode and a DataNode on this machine, reached by WebHDFS as on a cluster."""

import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rankbeam.pipeline.engines.jars import fetch_pom
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.places import Places
from tests.e2e.engines import free_port, require_jars

_POM = Path(__file__).parent / "pom.xml"
_NAME_NODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATA_NODE = "org.apache.hadoop.hdfs.server.datanode.DataNode"
# Hadoop looks into Java's own classes, which since Java 16 has to be allowed.
_JAVA_OPTIONS = (
    "-Xmx256m",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
)
# Folders of pages for people, which are in no jar and without which no server starts.
_PAGES = ("hdfs", "datanode", "static")
_LOGGING = """
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n
"""
USER = "rankbeam"
_START_S = 120.0


@dataclass(frozen=True)
class Hdfs:
    """What tests see of it.

    Attributes:
        port: The NameNode's, for HTTP.
    """

    port: int

    @property
    def options(self) -> str:
        """What RANKBEAM_FILE_OPTIONS must hold."""
        return f"--hdfs_host=127.0.0.1 --hdfs_port={self.port} --hdfs_user={USER}"

    def ask(self, method: str, path: str, operation: str, **options: str) -> bytes:
        """Do a WebHDFS operation as the file system's superuser, without Rankbeam or Beam."""
        words = "".join(f"&{name}={value}" for name, value in options.items())
        url = (
            f"http://127.0.0.1:{self.port}/webhdfs/v1{path}?op={operation}&user.name={USER}{words}"
        )
        request = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def hdfs_cluster(folder: Path) -> Iterator[Hdfs]:
    """Both up for a block, with data and logs in an empty folder.

    Skips where tests of engines do: without Java, Maven or a way to Maven's registry.
    """
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    jars = Places.of_user().cache / "engines" / f"hadoop-{digest}"
    require_jars("HDFS", jars.is_dir(), lambda: fetch_pom("HDFS", _POM, jars, lambda _: None))
    rpc, http = free_port(), free_port()
    settings = {
        "fs.defaultFS": f"hdfs://127.0.0.1:{rpc}",
        "hadoop.tmp.dir": str(folder),
        "dfs.namenode.http-address": f"127.0.0.1:{http}",
        "dfs.namenode.name.dir": str(folder / "name"),
        "dfs.datanode.data.dir": str(folder / "data"),
        "dfs.datanode.address": "127.0.0.1:0",
        "dfs.datanode.http.address": "127.0.0.1:0",
        "dfs.datanode.ipc.address": "127.0.0.1:0",
        "dfs.datanode.hostname": "127.0.0.1",
        "dfs.replication": "1",
    }
    words = [f"-D{name}={value}" for name, value in settings.items()]
    start = [find_java(), *_JAVA_OPTIONS, f"-DHADOOP_USER_NAME={USER}"]
    start += ["-cp", f"{folder}:{jars}/*"]
    (folder / "log4j.properties").write_text(_LOGGING, encoding="utf-8")
    for name in _PAGES:
        (folder / "webapps" / name).mkdir(parents=True)
    log = folder / "log"
    with log.open("wb") as out, ExitStack() as stack:
        format_words = [*start, _NAME_NODE, *words, "-format", "-nonInteractive"]
        subprocess.run(format_words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
        processes = []
        for node in (_NAME_NODE, _DATA_NODE):
            command = [*start, node, *words]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            stack.callback(_end, process)
            processes.append(process)
        _await(http, processes, log)
        yield Hdfs(http)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _await(port: int, processes: list["subprocess.Popen[bytes]"], log: Path) -> None:
    """Wait until the NameNode takes writes, and has a DataNode to put them on."""
    deadline = time.monotonic() + _START_S
    url = f"http://127.0.0.1:{port}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                [state] = json.load(answer)["beans"] or [{}]
            if state.get("NumLiveDataNodes") == 1 and state["FSState"] == "Operational":
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        assert all(process.poll() is None for process in processes), log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
