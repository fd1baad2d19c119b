"""Swaps under load: versions come every two seconds and vanish, and no request notices."""

import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rankbeam.serving.client import ChannelOptions
from rankbeam.serving.manifests.ssl_config import write_ssl_config
from tests.serving.certificates import Authority
from tests.serving.reliability import swapping
from tests.serving.reliability.asking import Tls
from tests.serving.reliability.pushing import push
from tests.serving.reliability.servers import Server, serving
from tests.serving.reliability.swapping import Swapped, Swaps

pytestmark = pytest.mark.slow

Record = Callable[[str, object], None]

REQUESTS = 50_000
LEAST_SWAPS = 10
WARM_UP_SWAPS = 4
MEMORY_GROWTH = 1.1
BATCHING = """
max_batch_size { value: 20 }
batch_timeout_micros { value: 1000 }
num_batch_threads { value: 2 }
"""


def _check(found: Swapped, swaps: Swaps, log: Path) -> None:
    total = found.total
    assert (total.failed, total.wrong, total.backward, total.shown) == (0, 0, 0, [])
    assert total.answered >= swaps.requests
    assert len(total.versions) >= swaps.swaps
    assert "Traceback" not in log.read_text(errors="replace")


def test_50_000_requests_while_versions_come_and_vanish(
    tmp_path: Path, models: Mapping[float, Path], record_property: Record
) -> None:
    base_path, log = tmp_path / "base", tmp_path / "log"
    push(base_path, models)
    swaps = Swaps(REQUESTS, LEAST_SWAPS, every_s=2.0)
    with serving(base_path, log, swapping.OFTEN) as server:
        found = swapping.run(server, base_path, models, swaps)
    record_property("swaps", found.counts())
    print(found.counts())
    _check(found, swaps, log)
    memory = found.memory
    assert memory[-1] <= MEMORY_GROWTH * memory[WARM_UP_SWAPS - 1]


def test_swaps_under_batches_over_tls_with_client_certificates(
    tmp_path: Path, models: Mapping[float, Path], record_property: Record
) -> None:
    base_path, log = tmp_path / "base", tmp_path / "log"
    push(base_path, models)
    authority = Authority("ours")
    (tmp_path / "ca.crt").write_text(authority.certificate)
    cert, key = authority.sign("server").write(tmp_path, "server")
    config = tmp_path / "ssl.config"
    write_ssl_config(config, key=key, cert=cert, client_ca=tmp_path / "ca.crt")
    client = authority.sign("client")
    shown, secret = client.write(tmp_path, "client")
    (tmp_path / "batching").write_text(BATCHING)
    flags = (
        f"--ssl_config_file={config}",
        "--enable_batching",
        f"--batching_parameters_file={tmp_path / 'batching'}",
    )
    channel = ChannelOptions(
        root_certificates=tmp_path / "ca.crt", private_key=secret, certificate_chain=shown
    )
    tls = Tls(authority.certificate, client.key, client.certificate)
    swaps = Swaps(6_000, 4, every_s=1.0, tls=tls)
    with serving(base_path, log, swapping.OFTEN, *flags, channel=channel) as server:
        found = swapping.run(server, base_path, models, swaps)
        batches = _batches(server)
    counts = {**found.counts(), "batches": batches}
    record_property("swaps under batches over TLS", counts)
    print(counts)
    _check(found, swaps, log)
    assert 0 < batches < found.total.answered  # at least some batches are of several requests


def test_swaps_on_one_core(
    tmp_path: Path, models: Mapping[float, Path], record_property: Record
) -> None:
    base_path, log = tmp_path / "base", tmp_path / "log"
    push(base_path, models)
    swaps = Swaps(4_000, 4, every_s=1.0)
    with serving(base_path, log, swapping.OFTEN, one_core=True) as server:
        assert server.cores() == 1
        found = swapping.run(server, base_path, models, swaps)
    record_property("swaps on one core", found.counts())
    print(found.counts())
    _check(found, swaps, log)


def _batches(server: Server) -> int:
    """How many batches the server has run, by its own metrics."""
    url = f"http://127.0.0.1:{server.rest_port}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(url, timeout=30) as page:
        lines = page.read().decode().splitlines()
    counts = [line for line in lines if line.startswith("rankbeam_serving_batch_size_count")]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in counts))
