"""Whether Dataflow's buckets are there, as far as who submits a pipeline may ask."""

from collections.abc import Mapping
from typing import Any

from rankbeam.transform.errors import EnvironmentFault

_TIMEOUT_S = 20.0


def check_buckets(project: str | None, locations: Mapping[str, str]) -> list[str]:
    """Ask Google Cloud Storage for the buckets of temporary and staged files.

    Args:
        project: Google Cloud's project that asks; None for the credentials' own.
        locations: By field of `beam.dataflow`, a folder on gs://.

    Returns:
        Why a bucket could not be asked for, a line each: who submits may lack the credentials that
        the nodes have.

    Raises:
        EnvironmentFault: There is no such bucket.
    """
    # Late: only Dataflow needs Google's clients.
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.cloud import storage  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    reasons = []
    for name, location in locations.items():
        try:
            _check(storage.Client(project=project), f"beam.dataflow.{name}", location)
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            reasons.append(f"beam.dataflow.{name} {location}: {first}")
    return reasons


def _check(client: Any, field: str, location: str) -> None:
    bucket = location.removeprefix("gs://").partition("/")[0]
    if not client.bucket(bucket).exists(timeout=_TIMEOUT_S, retry=None):
        raise EnvironmentFault(
            f"{field} must be in a bucket that exists; got {location}, and no bucket {bucket}"
        )
