"""What is sent after its session has ended waits for its person, without a script, and is shown to nobody else."""

from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from atlas.models import Comment, UnsavedText
from atlas.web import unsent
from tests.atlas.web.reading import at_the_desk, read, shown
from tests.atlas.web.test_claim_forms import fields

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def whose(page) -> str:
    """By whom the page's forms are signed."""
    return next(one["value"] for one in page.all("input") if one["name"] == unsent.FIELD)


def sent(client: Client, there: str, typed: dict[str, str]):
    """The answer to a form as a browser sends it."""
    return client.post(there, urlencode(typed), content_type=unsent.FORM)


def sign_in(client: Client, handle: str, answer) -> object:
    """Where the refusal leads, as somebody."""
    assert answer["Location"] == "/accounts/login?next=%2Funsent"
    form = read(client, answer["Location"])
    onward = next(one["value"] for one in form.all("input") if one["name"] == "next")
    given = {"username": handle, "password": PASSWORD, "next": onward}
    return client.post("/accounts/login", given, follow=True)


def test_a_comment_waits_until_its_person_is_back(claim, ana):
    desk, there = at_the_desk(ana), f"/f/{claim.accession}/comments"
    typed = {"body": "An hour's thought.", "version": "1", "whose": whose(read(desk, f"/f/{claim.accession}"))}
    Session.objects.all().delete()  # it has ended; the page is still open
    back = sign_in(desk, "ana", sent(desk, there, typed))
    page = shown(back)
    assert "You had been signed out" in page.text
    again = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
    again |= {one["name"]: one.text.removeprefix("\n") for one in page.all("textarea")}
    answer = desk.post("/unsent", {**again, "body": again["body"] + " And more."})
    assert (answer.status_code, answer["Location"]) == (307, there)
    assert desk.post(there, again).status_code == 302
    assert Comment.objects.get().version == 1
    assert "Nothing waits" in read(desk, "/unsent").text


def test_a_claim_comes_back_in_its_own_form_and_is_kept(claim, ana):
    desk, there = at_the_desk(ana), f"/f/{claim.accession}/edit"
    page = read(desk, there)
    typed = fields(page) | {"content.body": "An hour's work.", "based_on": "1", "summary": "More."}
    Session.objects.all().delete()
    back = sign_in(desk, "ana", sent(desk, there, {**typed, "whose": whose(page)}))
    assert back.redirect_chain[-1] == (there, 302)
    assert fields(shown(back))["content.body"] == "An hour's work."
    assert "You had been signed out when you sent this." in shown(back).text
    assert UnsavedText.objects.get().content["beside"] == {"summary": "More."}
    assert fields(read(desk, there))["content.body"] == "An hour's work."  # also when the tab is closed now


def test_nobody_else_is_shown_it(claim, ana, bo):
    desk, there = at_the_desk(ana), f"/f/{claim.accession}/comments"
    typed = {"body": "For ana alone.", "version": "1", "whose": whose(read(desk, f"/f/{claim.accession}"))}
    Session.objects.all().delete()
    back = sign_in(desk, "bo", sent(desk, there, typed))
    assert "Nothing waits" in shown(back).text
    assert "For ana alone." not in back.content.decode()


@pytest.mark.parametrize("signature", ["", "1", "1:x:y"])
def test_a_stranger_fills_no_session(claim, client, signature):
    answer = sent(client, f"/f/{claim.accession}/comments", {"body": "x" * 1_000, "whose": signature})
    assert answer["Location"].endswith("%2Fcomments")
    assert not Session.objects.exists()


def test_neither_too_much_nor_a_file_is_held(claim, ana):
    desk, there = at_the_desk(ana), f"/f/{claim.accession}/comments"
    signed = whose(read(desk, f"/f/{claim.accession}"))
    Session.objects.all().delete()
    assert sent(desk, there, {"body": "x" * 70_000, "whose": signed})["Location"].endswith("%2Fcomments")
    assert desk.post(f"/f/{claim.accession}/evidence", {"method": "AU", "whose": signed})["Location"].endswith(
        "%2Fevidence"
    )
    assert not Session.objects.exists()


def test_it_can_be_thrown_away(claim, ana):
    desk, there = at_the_desk(ana), f"/f/{claim.accession}/comments"
    typed = {"body": "Never mind.", "whose": whose(read(desk, f"/f/{claim.accession}"))}
    Session.objects.all().delete()
    sign_in(desk, "ana", sent(desk, there, typed))
    assert desk.post("/unsent", {"discard": "1"})["Location"] == "/"
    assert "Nothing waits" in read(desk, "/unsent").text


def test_of_a_form_with_a_file_it_says_what_is_lost(claim, ana):
    """Beside the file, and where one signs in; no session is begun for it, and one comes back to the form."""
    desk, there = at_the_desk(ana), f"/f/{claim.accession}"
    form = read(desk, there)
    assert "the file has to be chosen again" in form.text
    Session.objects.all().delete()
    typed = {"role": "supports", "method": "AU", "interpretation": "See.", "whose": whose(form)}
    file = SimpleUploadedFile("a.png", b"x", content_type="image/png")
    answer = desk.post(f"{there}/evidence", {**typed, "file": file}, headers={"referer": f"http://testserver{there}"})
    assert answer["Location"] == f"/accounts/login?{urlencode({'next': there})}"
    assert "the file was not kept and has to be chosen again" in read(desk, answer["Location"]).text
    assert not Session.objects.exists()
    elsewhere = {"referer": "https://evil.example/f"}
    answer = desk.post(f"{there}/evidence", {**typed, "file": file}, headers=elsewhere)
    assert answer["Location"].endswith(urlencode({"next": f"{there}/evidence"}))
