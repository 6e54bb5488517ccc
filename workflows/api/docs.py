"""The description of the API for people: a page that draws the schema, from files of our own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Show what `GET /api/schema` describes. Trying an operation needs a token, which stays in the page."""
    return render(request, "api/docs.html")
