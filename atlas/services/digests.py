"""Once a day a mail of what somebody has not read: each thing in one mail at most, whatever runs twice or breaks."""

import logging
import smtplib
import uuid
from collections.abc import Sequence

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Exists, OuterRef, QuerySet

from atlas.errors import NoOwnAddress
from atlas.models import DigestChoice, Notification, User
from atlas.services import notifications

log = logging.getLogger(__name__)
MOST = 50  # events that a mail spells out
# The other side said no, and so nothing was sent.
REFUSED = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)


def send() -> int:
    """Mail everybody who wants it what is unread and was in no mail yet; how many mails that were.

    What goes into a mail is taken before, by one conditional UPDATE: of two runs at once one has it. If the service
    breaks between the two, that one mail is lost, and what it was about still stands unread on the page. Who cannot be
    reached tonight is tried again by the next run. Raises NoOwnAddress where links would lead nowhere.
    """
    if not settings.ADDRESS:
        raise NoOwnAddress()
    sent = 0
    with get_connection() as connection:  # when it cannot be opened, nothing has been taken yet
        for user in list(_wanting()):
            digest = uuid.uuid4()
            rows = _taken(user, digest)
            try:
                sent += _mail(user, rows, connection).send() if rows else 0
            except REFUSED as error:
                log.warning("the digest of contributor %s was refused: %s", user.contributor_id, error)
                Notification.objects.filter(digest=digest).update(digest=None)
    return sent


def _wanting() -> QuerySet[User]:
    """Who has something unread, wants to hear of it, and has shown that the address is theirs."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=True)
    new = Notification.objects.filter(recipient=OuterRef("contributor"), read_at=None, digest=None)
    people = User.objects.filter(Exists(confirmed), Exists(new), is_active=True, digest=DigestChoice.DAILY)
    return people.select_related("contributor").order_by("pk")


def _taken(user: User, digest: uuid.UUID) -> list[Notification]:
    """What goes into this mail and no other; judged once more now that it is taken."""
    shown = notifications.shown_to(user.contributor)
    new = Notification.objects.filter(pk__in=shown.values("pk"), read_at=None, digest=None)
    new.update(digest=digest)
    return list(shown.filter(digest=digest).select_related("actor", "foothold", "comment"))


def _mail(user: User, rows: Sequence[Notification], connection: BaseEmailBackend) -> EmailMessage:
    """Plain text without a word that somebody wrote, except titles."""
    lines = [f"{notifications.said(row)}\n{settings.ADDRESS}{notifications.place(row)}\n" for row in rows[:MOST]]
    lines += [f"And {len(rows) - MOST} more.\n"] if len(rows) > MOST else []
    mine = f"{settings.ADDRESS}/me/notifications"
    return EmailMessage(
        subject=f"[Footholds] {len(rows)} unread",
        body="\n".join([*lines, f"All of it, and how to have no more of these mails: {mine}\n"]),
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated", "List-Unsubscribe": f"<{mine}>"},
        connection=connection,
    )
