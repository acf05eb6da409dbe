"""Signing in and out, and passwords that only their owner knows."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from atlas.errors import AuthenticationRequired
from atlas.services import people
from atlas.web.negotiation import require_method

login = LoginView.as_view(template_name="accounts/login.html", redirect_authenticated_user=True)


def logout(request: HttpRequest) -> HttpResponse:
    """End the session; only by posting, so that no picture on some page can do it."""
    require_method(request, "POST")
    return LogoutView.as_view()(request)


def password(request: HttpRequest) -> HttpResponse:
    """Choose a password; whoever signed in with a printed one need not type it again."""
    require_method(request, "GET", "POST")
    user: Any = request.user
    if not user.is_authenticated:
        raise AuthenticationRequired
    kind = SetPasswordForm if user.password_is_temporary else PasswordChangeForm
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
