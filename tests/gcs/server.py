"""What tests see of Google's storage on this machine, and who may do what there."""

from collections.abc import Callable, Mapping

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.gcs.account import EMAIL, Account
from tests.gcs.api import Api
from tests.gcs.batch import answer_batch
from tests.gcs.exchange import Answer, Refusal, Request, parse, refuse

_TOKENS = {("token",), ("oauth2", "v4", "token")}
_OPERATIONS = {"POST": "create", "PUT": "create", "DELETE": "delete"}


class GcsServer:
    """What tests see of the server.

    Attributes:
        scheme: What paths begin with.
        credentials: Environment variables without which there are none, and those that lead to
            files of them.
        no_bucket: What it says of a bucket that is not there.
        closed: What it says to who may not list.
        denied: How its refusal to write ends.
        no_credentials: What its client says without any.
        endpoint: Its URL.
        environment: What lets Google's clients, and so Rankbeam, use it.
        proxy: What leads TensorFlow to it as well.
        refuses: Is asked of each request, by method, path and query; where true, the answer is
            what Google answers to whoever lacks a permission. It may raise another refusal.
        requests: Method and path of the requests, in order; an upload's ends in the object's name.
        is_open: Whether those without credentials are let in too.
        api: Answers them.
    """

    scheme = "gs"
    credentials = (("GOOGLE_APPLICATION_CREDENTIALS",), ("CLOUDSDK_CONFIG",))
    no_bucket = "404 The specified bucket does not exist."
    closed = "403 tests@project.iam.gserviceaccount.com does not have storage.objects.list access"
    denied = (
        "does not have storage.objects.create access to the Google Cloud Storage object. "
        "Permission 'storage.objects.create' denied on resource (or it may not exist)."
    )
    no_credentials = (
        "Your default credentials were not found. To set up Application Default Credentials, see "
        "https://cloud.google.com/docs/authentication/external/set-up-adc for more information."
    )

    def __init__(self) -> None:
        self.endpoint = ""
        self.environment: Mapping[str, str] = {}
        self.proxy: Mapping[str, str] = {}
        self.refuses: Callable[[str, str, str], bool] | None = None
        self.requests: list[tuple[str, str]] = []
        self.is_open = False
        self.api = Api()
        self.account = Account()
        self._own = f"Bearer own-{id(self)}"

    def client(self) -> storage.Client:
        """Google's client, for what tests put there and look at; nothing is refused to it."""
        return storage.Client(
            "project",
            AnonymousCredentials(),
            client_options={"api_endpoint": self.endpoint},
            extra_headers={"Authorization": self._own},
        )

    def create_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.api.store.create(name)

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Write an object."""
        with self.api.store.lock:
            self.api.store.put(bucket, name, content)

    def contents(self, bucket: str) -> dict[str, bytes]:
        """What a bucket's objects hold, by name."""
        with self.api.store.lock:
            stored = self.api.store.bucket(bucket)
            return {name: stored[name].content for name in sorted(stored)}

    def unfinished(self, bucket: str) -> list[str]:
        """Names of objects whose upload in parts was begun, and neither finished nor given up."""
        return self.api.uploads.unfinished(bucket)

    def reads(self) -> list[str]:
        """Paths of requests for content, in order."""
        return [path for _, path in self.requests if path.startswith("/download/")]

    def reset(self) -> None:
        """Forget all buckets and requests."""
        with self.api.store.lock:
            self.api.store.clear()
            self.api.uploads.clear()
        self.api.page, self.api.in_steps = 1000, False
        self.refuses, self.is_open = None, False
        self.requests.clear()

    def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, origin: str
    ) -> Answer:
        """Answer a request."""
        api = "json"
        try:
            request = parse(method, url, headers, body, origin)
            api = _api(request)
            if request.parts in _TOKENS:
                return self.account.grant(request)
            if request.parts == ("batch", "storage", "v1"):
                return answer_batch(request, lambda *one: self._inner(request, *one))
            return self._allowed(request, url)
        except Refusal as refusal:
            return refusal.answer(api)

    def _inner(
        self, outer: Request, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        both = {**headers, "Authorization": outer.headers.get("authorization", "")}
        return self.answer(method, url, both, body, outer.origin)

    def _allowed(self, request: Request, url: str) -> Answer:
        is_own = request.headers.get("authorization") == self._own
        if not is_own:
            path = request.path
            if request.parts[0] == "upload":
                path = f"{path}/{self.api.uploads.name(request)}"
            self.requests.append((request.method, path))
            self._check_rights(request, path, url.partition("?")[2])
        with self.api.store.lock:
            return self.api.answer(request)

    def _check_rights(self, request: Request, path: str, query: str) -> None:
        is_listing = request.parts[-1] == "o"
        operation = "list" if is_listing else "get"
        permission = f"storage.objects.{_OPERATIONS.get(request.method, operation)}"
        told = (
            f"does not have {permission} access to the Google Cloud Storage object. Permission "
            f"'{permission}' denied on resource (or it may not exist)."
        )
        token = request.headers.get("authorization", "")
        if not self.is_open and not self.account.is_known(token):
            refuse(401, f"Anonymous caller {told}")
        if self.refuses is not None and self.refuses(request.method, path, query):
            refuse(403, f"{EMAIL} {told}")


def _api(request: Request) -> str:
    """Which of Google's APIs a request is for, and so how errors are worded."""
    if request.parts[0] == "download" or request.query.get("alt") == "media":
        return "media"
    return "json" if "storage" in request.parts[:2] or request.method != "GET" else "xml"
