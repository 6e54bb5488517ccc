"""Times in words, the same on all pages."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.wording import describe_moment

register = template.Library()


@register.filter
def moment(at: datetime) -> SafeString:
    """Return a time for people and machines, where the reader is."""
    return format_html('<time datetime="{}">{}</time>', timezone.localtime(at).isoformat(), describe_moment(at))
