"""One HTTP connection: answers what is no HTTP in JSON too, and without a traceback in the log."""

from aiohttp import web

from rankbeam.serving.rest import other_answers


class Connection(web.RequestHandler):
    """aiohttp's protocol with the API's form of errors."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read, after which the connection closes.

        Raises:
            ConnectionError: an answer has begun already.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        reason = str(exc) if exc is not None else "unknown reason"
        text = f"Malformed HTTP request: {reason}" if status < 500 else reason
        response = json_response(status, other_answers.error(text))
        response.force_close()
        return response


def json_response(status: int, body: bytes) -> web.Response:
    """JSON with a status."""
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"Server": "rankbeam"}
    )
