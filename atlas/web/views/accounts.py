"""Signing in and out, and passwords that only their owner knows."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account import views as allauth
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from atlas.errors import AuthenticationRequired
from atlas.services import people
from atlas.web.negotiation import require_method, varying


def entrance(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """A view of allauth's as one of ours: other methods are refused, and so, by its status, is a form with faults."""

    @wraps(view)
    def answer(request: HttpRequest, **where: str) -> HttpResponse:
        require_method(request, "GET", "POST")
        response = view(request, **where)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if response.status_code == 200 and form is not None and form.is_bound and form.errors:
            response.status_code = 422
        return varying(response)

    return answer


def sign_up(request: HttpRequest) -> HttpResponse:
    """Become somebody here; an invitation in the address is filled in, or taken along by who is here already."""
    shown = request.GET.get("invitation", "")[:100]
    if request.user.is_authenticated and shown:
        return redirect(f"/teams?{urlencode({'invitation': shown})}")
    return entrance(allauth.SignupView.as_view(initial={"invitation": shown}))(request)


def logout(request: HttpRequest) -> HttpResponse:
    """End the session; only by posting, so that no picture on some page can do it."""
    require_method(request, "POST")
    return LogoutView.as_view()(request)


def password(request: HttpRequest) -> HttpResponse:
    """Choose a password; whoever signed in with a printed one, or has none yet, need not type it again."""
    require_method(request, "GET", "POST")
    user: Any = request.user
    if not user.is_authenticated:
        raise AuthenticationRequired
    kind = SetPasswordForm if user.password_is_temporary or not user.has_usable_password() else PasswordChangeForm
    form = kind(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        people.choose_password(user, form.cleaned_data["new_password1"])
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is set.")
        return redirect(_onward(request))
    status = 422 if form.errors else 200
    return render(request, "accounts/password.html", {"form": form, "next": _onward(request)}, status=status)


def _onward(request: HttpRequest) -> str:
    """Where somebody was going; never to another host."""
    wish = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure())
    return wish if ours else "/"
