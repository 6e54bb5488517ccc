"""Tokens that let a paused run go on: signed, about one action of one run, of no use for anything else."""

from uuid import UUID

from django.core import signing

from workflows.services.errors import NotFound

SALT = "flowdeck.resume"
MAX_TOKEN = 500


def make_token(automation_id: UUID, action: str, job_id: UUID) -> str:
    """Return the token of an action; it is the same in every attempt to do it."""
    return signing.Signer(salt=SALT).sign_object([str(automation_id), action, str(job_id)])


def read_token(token: str) -> tuple[UUID, str, str]:
    """Return what a token is about. Raises NotFound for one that is not ours."""
    try:
        automation_id, action, job_id = signing.Signer(salt=SALT).unsign_object(token[: MAX_TOKEN + 1])
        return UUID(automation_id), action, job_id
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound from error
