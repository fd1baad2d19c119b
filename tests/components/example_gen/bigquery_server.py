"""The REST API of BigQuery v2 and the Storage Read API, as far as Google's clients need them.

Only the services are played: the clients are Google's, and ask over HTTP and gRPC. The server knows
one query's result, and the selection of columns from it, as the reader asks for it.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)

_SELECTION = re.compile(r"SELECT (.*) FROM \(\n(.*)\n\)", re.DOTALL)


@dataclass
class Known:
    """What the server knows and what it was asked.

    Attributes:
        query: The query that it answers.
        fields: Its columns, as BigQuery describes them.
        rows: Its rows, column by column in BigQuery's JSON (numbers are text).
        modified_ms: When the table below it was changed.
        error: HTTP status and message to answer every query with.
        asked: Queries that were run, without dry runs.
        configurations: The configuration of every job.
    """

    query: str
    fields: Sequence[Mapping[str, str]]
    rows: Sequence[Sequence[Any]]
    modified_ms: int = 1_700_000_000_000
    error: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)

    def selected(self, query: str) -> tuple[list[Mapping[str, str]], list[list[Any]]]:
        """Fields and rows of a query."""
        found = _SELECTION.fullmatch(query)
        if found is None or found[2] != self.query:
            raise AssertionError(f"the server knows {self.query!r}; got {query!r}")
        names = [name.strip("`") for name in found[1].split(", ")]
        places = [[each["name"] for each in self.fields].index(name) for name in names]
        return (
            [self.fields[place] for place in places],
            [[row[place] for place in places] for row in self.rows],
        )


class _Handler(BaseHTTPRequestHandler):
    known: Known
    jobs: dict[str, str]

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        job = json.loads(self.rfile.read(size))
        self.known.configurations.append(job["configuration"])
        if self.known.error is not None:
            status, message = self.known.error
            self._answer({"error": {"code": status, "message": message}}, status)
            return
        self._answer(self._run(job))

    def _run(self, job: dict[str, Any]) -> dict[str, Any]:
        configuration = job["configuration"]
        query = configuration["query"]["query"]
        reference = {"projectId": "paying", "location": "EU", **job["jobReference"]}
        table = {"projectId": "p", "datasetId": "d", "tableId": "log"}
        statistics: dict[str, dict[str, Any]] = {
            "query": {"referencedTables": [table], "statementType": "SELECT"}
        }
        if configuration.get("dryRun"):
            statistics["query"]["schema"] = {"fields": self.known.fields}
        else:
            self.known.asked.append(query)
            self.jobs[reference["jobId"]] = query
            configuration["query"]["destinationTable"] = {
                "projectId": "paying",
                "datasetId": "anonymous",
                "tableId": reference["jobId"],
            }
        return {
            "kind": "bigquery#job",
            "jobReference": reference,
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": statistics,
        }

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(place.query).items()}
        kind, name = place.path.split("/")[5:7] if "/queries/" in place.path else ("", "")
        if kind == "queries":
            self._answer(self._results(name, asked))
        elif place.path.endswith("/data"):
            self._answer(self._page(place.path.split("/")[-2], asked))
        else:
            self._answer(self._table())

    def _results(self, job_id: str, asked: Mapping[str, str]) -> dict[str, Any]:
        fields, rows = self.known.selected(self.jobs[job_id])
        first = {} if asked.get("maxResults") == "0" else self._page(job_id, asked)
        return {
            "kind": "bigquery#getQueryResultsResponse",
            "jobComplete": True,
            "jobReference": {"projectId": "paying", "jobId": job_id, "location": "EU"},
            "schema": {"fields": fields},
            "totalRows": str(len(rows)),
            **first,
        }

    def _page(self, job_id: str, asked: Mapping[str, str]) -> dict[str, Any]:
        _, rows = self.known.selected(self.jobs[job_id])
        start = int(asked.get("pageToken", asked.get("startIndex", 0)))
        end = start + int(asked.get("maxResults", len(rows) or 1))
        more = {"pageToken": str(end)} if end < len(rows) else {}
        cells = [{"f": [{"v": _cell(value)} for value in row]} for row in rows[start:end]]
        return {"totalRows": str(len(rows)), "rows": cells, **more}

    def _table(self) -> dict[str, Any]:
        return {
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "log"},
            "lastModifiedTime": str(self.known.modified_ms),
        }

    def _answer(self, content: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _cell(value: Any) -> Any:
    return [{"v": each} for each in value] if isinstance(value, list) else value


@contextmanager
def serving(known: Known) -> Iterator[str]:
    """The server's URL, for the block's time."""
    handler = type("Handler", (_Handler,), {"known": known, "jobs": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def storage_serving(table: pa.Table, sessions: list[Any]) -> Iterator[Any]:
    """A client of a Storage Read API that holds `table`, in two streams; no encryption.

    Args:
        table: What every session reads.
        sessions: Gets the requests for sessions.
    """
    schema = {"serialized_schema": table.schema.serialize().to_pybytes()}
    halves = [table.slice(0, len(table) // 2), table.slice(len(table) // 2)]

    def create(request: Any, _: Any) -> Any:
        sessions.append(request)
        return types.ReadSession(
            name="session",
            data_format=types.DataFormat.ARROW,
            arrow_schema=schema,
            streams=[{"name": str(number)} for number in range(len(halves))],
        )

    def read(request: Any, _: Any) -> Iterator[Any]:
        for batch in halves[int(request.read_stream)].to_batches(max_chunksize=100):
            record = {"serialized_record_batch": batch.serialize().to_pybytes()}
            yield types.ReadRowsResponse(
                arrow_schema=schema, arrow_record_batch=record, row_count=batch.num_rows
            )

    methods = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(
            create, types.CreateReadSessionRequest.deserialize, types.ReadSession.serialize
        ),
        "ReadRows": grpc.unary_stream_rpc_method_handler(
            read, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
        ),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    service = "google.cloud.bigquery.storage.v1.BigQueryRead"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))
    finally:
        server.stop(None).wait()
