"""The nightly mail: one to each who wants it, of what is unread and may be read then; never the same thing twice."""

import smtplib
import threading

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import connection

from atlas.errors import NoOwnAddress
from atlas.models import Change, Comment, DigestChoice, Foothold, Notification, Role, User
from atlas.services import comments, digests, footholds, notifications, people, reviews, teams, watches
from tests.claims import member

ADDRESS = "https://atlas.example"


@pytest.fixture(autouse=True)
def address(settings):
    settings.ADDRESS = ADDRESS


def reachable(person):
    """Somebody with an address that they have confirmed."""
    address = f"{person.handle}@example.org"
    User.objects.filter(contributor=person).update(email=address)
    login = User.objects.get(contributor=person)
    EmailAddress.objects.create(user=login, email=address, verified=True, primary=True)
    return login


def mailed():
    """Who was mailed since last asked."""
    found = sorted(address for one in mail.outbox for address in one.to)
    mail.outbox.clear()
    return found


@pytest.mark.django_db
class TestDigests:
    @pytest.fixture
    def spoken(self, claim, ana, bo):
        """A word of Bo's to Ana, who can be reached."""
        reachable(ana)
        return comments.write(actor=bo, foothold=claim, body="@ana, a word that stays here.")

    def test_one_mail_of_what_is_unread_and_no_other(self, spoken, claim, ana, bo):
        comments.write(actor=bo, foothold=claim, body="And another.")
        assert digests.send() == 1
        [sent] = mail.outbox
        assert (sent.to, sent.subject) == (["ana@example.org"], "[Footholds] 2 unread")
        assert f"bo mentioned you: A curve\n{ADDRESS}/f/{claim.accession}#comment-1" in sent.body
        assert f"{ADDRESS}/me/notifications" in sent.body
        assert "a word that stays here" not in sent.body
        assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
        mail.outbox.clear()
        assert (digests.send(), mailed()) == (0, [])
        comments.write(actor=bo, foothold=claim, body="@ana, again.")
        assert digests.send() == 1
        assert mail.outbox[0].subject == "[Footholds] 1 unread"

    @pytest.mark.parametrize(
        "then",
        [
            lambda ana, claim: User.objects.filter(contributor=ana).update(digest=DigestChoice.NEVER),
            lambda ana, claim: User.objects.filter(contributor=ana).update(email="another@example.org"),
            lambda ana, claim: EmailAddress.objects.update(verified=False),
            lambda ana, claim: people.deactivate(actor=None, user=ana.login),
            lambda ana, claim: people.erase(actor=None, user=ana.login),
            lambda ana, claim: notifications.read(actor=ana, up_to=2**40),
            lambda ana, claim: ana.memberships.all().delete() and Foothold.objects.update(visibility="team"),
            lambda ana, claim: Comment.objects.update(moderation="hidden"),
            lambda ana, claim: comments.remove(actor=Comment.objects.get().author, comment=Comment.objects.get()),
        ],
        ids=["never", "other address", "unconfirmed", "deactivated", "erased", "read", "no access", "hidden word",
             "taken back"],
    )  # fmt: skip
    def test_whom_nothing_is_sent(self, spoken, claim, ana, lab, then):
        then(ana, claim)
        assert (digests.send(), mailed()) == (0, [])

    def test_what_is_hidden_by_a_blind_review_is_in_no_mail(self, claim, lab, ana, bo, cy):
        type(lab).objects.filter(pk=lab.pk).update(blind_review=True)
        claim.refresh_from_db()
        for person in (ana, cy):
            reachable(person)
            watches.watch(actor=person, foothold=claim, level="everything")
        reviews.review(actor=bo, foothold=claim, version=1, verdict="unsure")
        assert digests.send() == 1
        assert mailed() == ["ana@example.org"]

    def test_a_mail_that_is_refused_is_tried_again_and_stops_nobody_else(self, spoken, claim, bo, cy, settings):
        reachable(cy)
        comments.write(actor=bo, foothold=claim, body="@cy")
        settings.EMAIL_BACKEND = f"{__name__}.Refusing"
        assert digests.send() == 1
        assert mailed() == ["cy@example.org"]
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert digests.send() == 1
        assert mailed() == ["ana@example.org"]

    def test_what_breaks_loses_no_more_than_one_mail_and_doubles_none(self, spoken, claim, bo, cy, settings):
        """Whether a mail was sent when the line went dead nobody knows: it is not sent again."""
        reachable(cy)
        comments.write(actor=bo, foothold=claim, body="@cy")
        settings.EMAIL_BACKEND = f"{__name__}.Breaking"
        with pytest.raises(CommandError, match="went away"):
            call_command("send_digests")
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert digests.send() == 1
        assert mailed() == ["cy@example.org"]
        assert notifications.unread(claim.created_by) == 2

    def test_many_are_counted_and_fifty_spelled_out(self, spoken, claim, ana, bo):
        told = {"recipient": ana, "reason": "comment", "actor": bo, "foothold": claim}
        Notification.objects.bulk_create(Notification(event=f"test:{number}", **told) for number in range(60))
        digests.send()
        assert mail.outbox[0].body.count("commented: A curve") == 50
        assert "And 11 more." in mail.outbox[0].body

    def test_without_an_address_links_would_lead_nowhere(self, spoken, settings):
        settings.ADDRESS = ""
        with pytest.raises(NoOwnAddress):
            digests.send()
        with pytest.raises(CommandError, match="ATLAS_ADDRESS"):
            call_command("send_digests")

    def test_the_command_says_how_many(self, spoken, capsys):
        call_command("send_digests")
        assert capsys.readouterr().out == "1 sent\n"


class Refusing(EmailBackend):
    """A server that knows nobody called Ana."""

    def send_messages(self, messages):
        if messages[0].to == ["ana@example.org"]:
            raise smtplib.SMTPRecipientsRefused({"ana@example.org": (550, b"nobody")})
        return super().send_messages(messages)


class Breaking(EmailBackend):
    """A server that goes away at the first mail."""

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected("gone")


def test_what_several_do_at_once_is_done_once(fresh_database, register_on, settings):
    """Eight tell one event: each hears it once. Then four runs of the nightly mail: each gets one."""
    lab = teams.found(actor=None, slug="lab", name="The lab", admin=None)
    crowd = [member(f"p{number}", lab, Role.ANNOTATOR) for number in range(6)]
    content = {"neuron": "mixed:9", "title": "A curve"}
    claim = footholds.create(actor=crowd[0], kind="description", checkpoint=register_on(), team=lab, content=content)
    for person in crowd:
        reachable(person)
        watches.watch(actor=person, foothold=claim, level="everything")
    for turn in range(3):
        made = comments.write(actor=crowd[0], foothold=claim, body=f"Number {turn}.")
        Notification.objects.filter(comment=made).delete()
        together(8, lambda made=made: notifications.of_comment(made, mentioned=[crowd[1].pk]))
        assert Notification.objects.filter(comment=made).count() == 5
    before = Change.objects.filter(table="foothold").count()
    together(8, lambda: comments.write(actor=crowd[0], foothold=claim, body="At once."))
    assert [*claim.comments.values_list("number", flat=True)] == [*range(1, 12)]
    assert Change.objects.filter(table="foothold").count() == before  # waiting for one's turn is no change
    together(4, digests.send)
    assert mailed() == sorted(f"p{number}@example.org" for number in range(1, 6))
    assert not Notification.objects.filter(digest=None).exists()


def together(count, act):
    """Several threads do it at the same time; none of them fails."""
    ready, failed = threading.Barrier(count, timeout=30), []

    def one():
        try:
            ready.wait()
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
