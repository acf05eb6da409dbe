"""What people wrote, on a page: their Markdown as safe HTML, or its words alone where there is room for no more."""

from django import template
from django.utils.safestring import SafeString

from atlas import markdown

register = template.Library()


@register.filter
def prose(source: str, highest: int = markdown.HIGHEST) -> SafeString:
    """Paragraphs, lists, tables and links, in a block of their own; headings begin at the level `highest`."""
    return markdown.render(source, highest=highest)


@register.filter
def words(source: str) -> str:
    """The words in one line."""
    return markdown.plain(source)
