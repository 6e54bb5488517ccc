"""The organisation's templates: a list to take files from, and a form to bring files in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.imports import describe_notes, describe_problem
from dashboard.requests import Request
from workflows.services.template_files import MAX_BYTES, BadFile, Imported, export_template, import_templates, list_templates


@require_http_methods(["GET", "HEAD", "POST"])
def show_templates(request: Request) -> HttpResponse:
    """The list; after an upload with the report above it."""
    results: list[Imported] = []
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            results = import_templates(request.actor, file.read(MAX_BYTES + 1)) if file else []
        except BadFile as error:
            problem = describe_problem(error)
        else:
            problem = "" if file else describe_problem(None)
    context = {
        "templates": list_templates(request.actor),
        "may_start": request.actor.may("workflow:execution:trigger"),
        "may_import": request.actor.may("workflow:definition:create"),
        "results": [(result, describe_notes(result.notes)) for result in results],
        "problem": problem,
    }
    return render(request, "dashboard/templates.html", context, status=422 if problem else 200)


@require_GET
def download_template(request: Request, template_id: str) -> HttpResponse:
    """The template as a file."""
    content = export_template(request.actor, template_id)
    headers = {"Content-Disposition": f'attachment; filename="{template_id}.json"'}
    return HttpResponse(content, content_type="application/json", headers=headers)
