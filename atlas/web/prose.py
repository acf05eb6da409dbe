"""What people wrote, on a page: their Markdown as safe HTML, or its words alone where there is room for no more."""

from django import template
from django.utils.safestring import SafeString

from atlas import markdown

register = template.Library()
# A wide table is moved to the side by itself, with the keyboard too.
FRAMES = ("<table>", '<div class="scrolled" tabindex="0" role="region" aria-label="A table"><table>')


@register.filter
def prose(source: str, highest: int = markdown.HIGHEST) -> SafeString:
    """Paragraphs, lists, tables and links, in a block of their own; headings begin at the level `highest`."""
    # Nothing else reads so: what somebody wrote has no attribute and no text with a "<" of its own.
    return SafeString(markdown.render(source, highest=highest).replace(*FRAMES).replace("</table>", "</table></div>"))


@register.filter
def words(source: str) -> str:
    """The words in one line."""
    return markdown.plain(source)
