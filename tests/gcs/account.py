"""A service account: its key file, and the tokens that its signed requests are answered with."""

import json
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.gcs.exchange import Answer, Request, json_answer

EMAIL = "tests@project.iam.gserviceaccount.com"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_S = 3600


class Account:
    """The account that may use the server."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._tokens: set[str] = set()

    def write(self, file: Path, origin: str) -> None:
        """Write the key file that Google's clients take; its tokens come from `origin`."""
        private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        document = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "1",
            "private_key": private.decode(),
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": f"{origin}/token",
        }
        file.write_text(json.dumps(document), encoding="utf-8")

    def grant(self, request: Request) -> Answer:
        """Answer a request for a token."""
        given = {**request.query, **dict(parse_qsl(request.body.decode()))}
        try:
            claims = self._claims(given["assertion"])
        except ValueError as error:
            refusal = {"error": "invalid_grant", "error_description": str(error)}
            return json_answer(refusal, 400)
        is_known = given.get("grant_type") == _GRANT and claims["iss"] == EMAIL
        if not is_known or claims["exp"] < time.time():
            return json_answer({"error": "invalid_grant", "error_description": "Unknown"}, 400)
        token = secrets.token_urlsafe()
        self._tokens.add(token)
        return json_answer({"access_token": token, "expires_in": _LIFE_S, "token_type": "Bearer"})

    def is_known(self, authorization: str) -> bool:
        """Whether a header of requests holds a token of the account."""
        return authorization.removeprefix("Bearer ") in self._tokens

    def _claims(self, assertion: str) -> dict[str, Any]:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        found: dict[str, Any] = dict(jwt.decode(assertion, certs=public))
        return found
