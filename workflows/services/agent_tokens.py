"""Tokens in the addresses at which agents answer later: signed, about one question of one run, of no use for anything else."""

from uuid import UUID

from django.core import signing

from workflows.services.errors import NotFound

SALT = "flowdeck.agent"
MAX_TOKEN = 500


def make_agent_token(run_id: UUID, job_id: UUID) -> str:
    """Return the token of a question; it is the same in every attempt to ask it."""
    return signing.Signer(salt=SALT).sign_object([str(run_id), str(job_id)])


def read_agent_token(token: str) -> tuple[UUID, UUID]:
    """Return the run and the job that a token is about. Raises NotFound for one that is not ours."""
    try:
        run_id, job_id = signing.Signer(salt=SALT).unsign_object(token[: MAX_TOKEN + 1])
        return UUID(run_id), UUID(job_id)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound from error
