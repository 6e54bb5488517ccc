"""What became of an imported file, in the reader's language."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.services.template_files import MAX_BYTES, MAX_DEPTH, MAX_TEMPLATES, BadFile, Note, Problem, Remark

PROBLEMS = {
    Problem.TOO_LARGE: gettext_lazy("The file is larger than %(bytes)s bytes."),
    Problem.NOT_JSON: gettext_lazy("The file is not valid JSON: %(detail)s"),
    Problem.TOO_DEEP: gettext_lazy("The file is nested deeper than %(depth)s levels, or holds NUL characters."),
    Problem.COUNT: gettext_lazy("The file must hold 1 to %(count)s templates."),
}
REMARKS = {
    Remark.NOT_UNDERSTOOD: gettext_lazy("not understood, kept as it is"),
    Remark.NOT_MADE: gettext_lazy("no automation is made of it, it is kept as it is"),
    Remark.NOT_LOOKED_AT: gettext_lazy("not looked at, kept as it is"),
    Remark.NO_AUTOMATION: gettext_lazy("there is no automation %(name)s"),
    Remark.NO_AGENT: gettext_lazy("there is no agent %(name)s"),
    Remark.NO_JOURNEY: gettext_lazy("journeys are not run here, the link is kept: %(name)s"),
    Remark.NO_REASON: gettext_lazy("there is no closing reason %(name)s"),
    Remark.NO_ENTITY: gettext_lazy("there is no entity of schema %(name)s yet"),
}


def describe_problem(error: BadFile | None) -> str:
    """Say why a file was refused; None is one that was not chosen."""
    if error is None:
        return _("Choose a file.")
    values = {"bytes": MAX_BYTES, "depth": MAX_DEPTH, "count": MAX_TEMPLATES, "detail": error.detail}
    return str(PROBLEMS[error.problem]) % values


def describe_notes(notes: Iterable[Note]) -> list[str]:
    """Say what could not be mapped, each with its place."""
    return [f"{note.place}: {str(REMARKS[note.remark]) % {'name': note.name}}" for note in notes]
