"""Whether Dataflow's bucket is there for who runs this."""

from typing import Any

from rankbeam.pipeline.beam.spec import DataflowSpec
from rankbeam.transform.errors import EnvironmentFault

_TIMEOUT_S = 20.0


def check_bucket(spec: DataflowSpec) -> None:
    """Ask Google Cloud Storage for the buckets of temporary and staged files.

    Raises:
        EnvironmentFault: There are no credentials, no such bucket, no access, or no answer.
    """
    fields = {"temp_location": spec.temp_location, "staging_location": spec.staging_location}
    client = _client(spec.project)
    for name, location in fields.items():
        if location is not None:
            _check(client, f"beam.dataflow.{name}", location)


def _client(project: str) -> Any:
    # Late: only runs on Dataflow need Google's clients.
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.cloud import storage  # noqa: PLC0415

    try:
        return storage.Client(project=project)
    except GoogleAuthError as error:
        first = str(error).strip().splitlines()[0]
        raise EnvironmentFault(
            f"the runner dataflow must have Google Cloud credentials; got none: {first} "
            "(gcloud auth application-default login)"
        ) from None


def _check(client: Any, field: str, location: str) -> None:
    from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    bucket = location.removeprefix("gs://").partition("/")[0]
    try:
        exists = client.bucket(bucket).exists(timeout=_TIMEOUT_S, retry=None)
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EnvironmentFault(
            f"{field} must be a bucket that can be asked for; got {location}: {first}"
        ) from None
    if not exists:
        raise EnvironmentFault(
            f"{field} must be in a bucket that exists; got {location}, and no bucket {bucket}"
        )
