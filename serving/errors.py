"""What can go wrong between a client and a server, beyond the faults of the machine."""

from rankbeam.transform.errors import DataError, GateError, RankbeamError


class ModelNotServable(GateError):
    """A real server started, looked at the model, and refuses to serve it (its own reason)."""


class RequestRejected(RankbeamError):
    """The server is well and says the request is wrong.

    Ends a process like unusable data does.

    Attributes:
        code: the gRPC status code's name, such as `INVALID_ARGUMENT`.
        details: the server's own message.
    """

    exit_code = DataError.exit_code

    def __init__(self, code: str, details: str, target: str) -> None:
        super().__init__(f"server {target} rejected the request: {code}: {details}")
        self.code = code
        self.details = details
