"""How people come in: allauth's flows, made to call our services, so that a person is made by one function only."""

import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm, SignupForm
from allauth.account.internal.flows.manage_email import sync_user_email_address
from allauth.account.stages import EmailVerificationStage
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.forms import SignupForm as SocialSignupForm
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from atlas.errors import BadInvitation
from atlas.models import User
from atlas.services import people, teams

NO_MATCH = "Please give a correct username and password; both are told apart by upper and lower case."


class Entrance(DefaultAccountAdapter):
    """What allauth asks us about accounts."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": NO_MATCH,
        "email_password_mismatch": NO_MATCH,
    }

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> User:
        """A new person as the form says; an invitation that came with it is used in the same transaction."""
        given = form.cleaned_data
        made = people.sign_up(
            username=given["username"],
            password=given.get("password1") or secrets.token_urlsafe(32),
            citation_name=given["citation_name"],
            email=given["email"],
            agreed=given["agreed"],
        )
        if given["invitation"]:
            teams.accept(actor=made.contributor, shown=given["invitation"])
        return made

    def set_password(self, user: Any, password: str) -> None:
        """A password that its owner chose."""
        people.choose_password(user, password)

    def is_safe_url(self, url: str) -> bool:
        """Whether `next` stays on this very host."""
        host = {self.request.get_host()}
        return url_has_allowed_host_and_scheme(url, host, require_https=self.request.is_secure())

    def is_ajax(self, request: HttpRequest) -> bool:
        """Never: scripts have the API."""
        return False

    def get_login_stages(self) -> list[str]:
        """Between password and session."""
        ours = f"{OwnAddress.__module__}.{OwnAddress.__qualname__}"
        return [ours if "EmailVerification" in stage else stage for stage in super().get_login_stages()]


class OwnAddress(EmailVerificationStage):
    """Who came by themselves proves that the address is theirs; whom the operator brought in was known before."""

    def handle(self) -> Any:
        """(a response that holds up the login, whether to go on)."""
        user = self.login.user
        if user is None or user.licence_agreed_at is not None:
            return super().handle()
        address = sync_user_email_address(user)
        if address is not None and not address.verified and address.set_verified():
            address.set_as_primary(conditional=True)
        return None, True


class Vouched(DefaultSocialAccountAdapter):
    """People for whom another service vouches."""

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """The person of the form, tied to that service, without a password of their own."""
        user = Entrance(request).save_user(request, sociallogin.user, form)
        user.password = make_password(None)
        sociallogin.user = user
        sociallogin.save(request)
        return user


class SignIn(LoginForm):
    """Handle or e-mail address, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Username or e-mail"
        self.fields["login"].widget.attrs |= {"placeholder": "", "autocomplete": "username", "autofocus": True}
        self.fields["password"].widget.attrs["placeholder"] = ""

    def add_prefix(self, field_name: str) -> str:
        """Browsers and scripts know this field as `username`."""
        return super().add_prefix("username" if field_name == "login" else field_name)


class Newcomer(forms.Form):
    """What is asked of everybody who signs up, however they prove who they are."""

    field_order = ["username", "citation_name", "email", "password1", "invitation", "agreed"]
    citation_name = forms.CharField(
        label="Name", max_length=200, help_text="As it is to be cited: it stands beside what you contribute."
    )
    invitation = forms.CharField(
        label="Invitation", max_length=100, required=False, help_text="As it was sent to you: inv_…"
    )
    agreed = forms.BooleanField(label="What I contribute is licensed CC BY 4.0")

    def ready(self) -> None:
        """Labels and hints as elsewhere on our pages."""
        fields: dict[str, Any] = self.fields
        fields["invitation"].required = settings.SIGN_UP != "open"
        fields["username"].label = "Handle"
        fields["username"].help_text = "Your name in addresses: 2 to 39 lower-case letters, digits, - and _."
        fields["email"].label = "E-mail"
        for field in fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean_username(self) -> str:
        """As typed; `clean` judges it together with the rest."""
        return str(self.cleaned_data["username"])

    def clean_invitation(self) -> str:
        """One that holds."""
        shown = str(self.cleaned_data["invitation"]).strip()
        try:
            if shown:
                teams.read_invitation(shown)
        except BadInvitation as error:
            raise forms.ValidationError(str(error)) from None
        return shown

    def clean(self) -> dict[str, Any]:
        """What the service would refuse stands beside its field. Whether an address is known is told by mail only."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        asked = {name: given.get(name) or "" for name in ("username", "citation_name", "email")}
        password = given.get("password1") or secrets.token_urlsafe(32)
        for fault in people.faults_of(**asked, password=password, agreed=bool(given.get("agreed"))):
            field = {"password": "password1"}.get(fault["pointer"][1:], fault["pointer"][1:])
            known = (field, fault["code"]) == ("email", "not-free")
            if field in self.fields and not self.errors.get(field) and not known:
                self.add_error(field, fault["detail"])
        return given


class SignUp(Newcomer, SignupForm):
    """With a password."""

    field_order = Newcomer.field_order

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ready()

    def try_save(self, request: HttpRequest) -> Any:
        """(the person, None), or (None, what is answered when the address has an account)."""
        with transaction.atomic():
            return super().try_save(request)


class VouchedSignUp(Newcomer, SocialSignupForm):
    """By a service that vouches."""

    field_order = Newcomer.field_order

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ready()

    def try_save(self, request: HttpRequest) -> Any:
        """(the person, None), or (None, what is answered when the address has an account)."""
        with transaction.atomic():
            return super().try_save(request)
