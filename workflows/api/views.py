"""What every view of the API has: requests that are done once only, and changes that depend on a version."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import orjson
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from workflows.api.renderers import JSONRenderer
from workflows.api.requests import actor_of
from workflows.permissions import Actor
from workflows.services.idempotency import Answer, Call, KeyInFlight, KeyReused, answer_once
from workflows.services.transactions import in_transaction

MAX_KEY = 255
MAX_PATH = 1000
# Headers of an answer that belong to it as much as its body does.
KEPT_HEADERS = ("ETag", "Location")

Handler = Callable[..., Response]


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "A request with this Idempotency-Key is being worked on; try again"


class Unprocessable(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for a request with another body"


class PreconditionFailed(APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "It was changed since you read it; read it again"


def etag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


class View(APIView):
    """A view of the API. POST honours Idempotency-Key; PATCH, PUT and DELETE honour If-Match where there is `lock_version`."""

    # Locks the thing that an address names, and returns its version.
    lock_version: ClassVar[Callable[..., int] | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        name = (request.method or "").lower()
        if not isinstance(request.user, Actor):
            # A public address: nobody whose key it could be.
            return
        if name == "post" and "Idempotency-Key" in request.headers and hasattr(self, name):
            setattr(self, name, partial(do_once, getattr(self, name)))
        if name in ("patch", "put", "delete") and "If-Match" in request.headers and self.lock_version and hasattr(self, name):
            setattr(self, name, partial(do_if_unchanged, getattr(self, name), self.lock_version))


def do_once(handler: Handler, request: Request, **kwargs: str) -> Response:
    """Do a request unless it was done before; then answer as it was answered."""
    key, path = request.headers["Idempotency-Key"], request.get_full_path()
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise ValidationError({"Idempotency-Key": f"must be 1 to {MAX_KEY} printable ASCII characters"})
    if len(path) > MAX_PATH:
        raise ValidationError({"Idempotency-Key": f"the address is longer than {MAX_PATH} characters"})
    body = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
    call = Call("POST", path, key, hashlib.sha256(body).hexdigest())

    def work() -> Answer:
        response = handler(request, **kwargs)
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        return Answer(response.status_code, JSONRenderer().render(response.data).decode(), headers)

    try:
        answer = answer_once(actor_of(request), call, work)
    except KeyInFlight as error:
        raise Conflict from error
    except KeyReused as error:
        raise Unprocessable from error
    headers = answer.headers | ({"Idempotent-Replayed": "true"} if answer.replayed else {})
    return Response(answer.body.encode() if answer.body else None, status=answer.status, headers=headers)


@in_transaction
def do_if_unchanged(handler: Handler, lock_version: Callable[..., int], request: Request, **kwargs: str) -> Response:
    """Do a request if the thing is as the caller has seen it; the lock is held until it is done. Weak tags never match."""
    version = lock_version(actor_of(request), **kwargs)
    tags = [tag.strip() for tag in request.headers["If-Match"].split(",")]
    if "*" not in tags and etag(version) not in tags:
        raise PreconditionFailed
    return handler(request, **kwargs)
