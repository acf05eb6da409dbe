"""The addresses of the pages; permanent, without a trailing slash."""

from importlib import import_module

from allauth.account import views as account
from allauth.mfa.base import views as second
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as vouched
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.conf import settings
from django.urls import path, re_path

from atlas.web.views import (
    accounts,
    artifacts,
    checkpoints,
    circuits,
    claims,
    contributors,
    datasets,
    discussion,
    firing,
    footholds,
    giving,
    home,
    imports,
    jobs,
    me,
    neurons,
    notifications,
    operation,
    problems,
    review,
    search,
    teams,
    terms,
    typing,
    uploads,
    verbs,
)
from atlas.web.views.accounts import entrance

# The names are those by which allauth finds its own pages.
ACCOUNTS = [
    path("accounts/login", entrance(account.login), name="account_login"),
    path("accounts/logout", accounts.logout, name="account_logout"),
    path("accounts/signup", accounts.sign_up, name="account_signup"),
    path("accounts/inactive", entrance(account.account_inactive), name="account_inactive"),
    path("accounts/reauthenticate", entrance(account.reauthenticate), name="account_reauthenticate"),
    path("accounts/email", entrance(account.email), name="account_email"),
    path("accounts/email/sent", entrance(account.email_verification_sent), name="account_email_verification_sent"),
    re_path(r"^accounts/email/(?P<key>[-:\w]+)$", entrance(account.confirm_email), name="account_confirm_email"),
    path("accounts/password", accounts.password, name="account_change_password"),
    path("accounts/password", accounts.password, name="account_set_password"),
    path("accounts/password/reset", entrance(account.password_reset), name="account_reset_password"),
    path("accounts/password/reset/sent", entrance(account.password_reset_done), name="account_reset_password_done"),
    path(
        "accounts/password/reset/done",
        entrance(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^accounts/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)$",
        entrance(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("accounts/2fa", entrance(second.index), name="mfa_index"),
    path("accounts/2fa/authenticate", entrance(second.authenticate), name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate", entrance(second.reauthenticate), name="mfa_reauthenticate"),
    path("accounts/2fa/totp/activate", entrance(totp.activate_totp), name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate", entrance(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("accounts/2fa/codes", entrance(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("accounts/2fa/codes/new", entrance(recovery.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("accounts/2fa/codes/download", entrance(recovery.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("accounts/elsewhere", entrance(vouched.connections), name="socialaccount_connections"),
    path("accounts/elsewhere/signup", entrance(vouched.signup), name="socialaccount_signup"),
    path("accounts/elsewhere/cancelled", entrance(vouched.login_cancelled), name="socialaccount_login_cancelled"),
    path("accounts/elsewhere/error", entrance(vouched.login_error), name="socialaccount_login_error"),
]
for provider in settings.SOCIALACCOUNT_PROVIDERS:
    if provider == "openid_connect":
        at = "accounts/oidc/<str:provider_id>/login"
        ACCOUNTS += [
            path(at, entrance(oidc.login), name="openid_connect_login"),
            path(f"{at}/callback", entrance(oidc.callback), name="openid_connect_callback"),
        ]
    else:
        views = import_module(f"allauth.socialaccount.providers.{provider}.views")
        at = f"accounts/{provider}/login"
        ACCOUNTS += [
            path(at, entrance(views.oauth2_login), name=f"{provider}_login"),
            path(f"{at}/callback", entrance(views.oauth2_callback), name=f"{provider}_callback"),
        ]

urlpatterns = [
    path("", home.home),
    re_path(r"^c(?P<suffix>\.[a-z.]+)?$", checkpoints.checkpoints),
    path("c/new", uploads.new),
    path("c/<str:slug>", checkpoints.checkpoint),
    path("c/<str:slug>/<str:layer>", checkpoints.wall),
    path("c/<str:slug>/<str:layer>/<str:channel>", neurons.neuron),
    path("c/<str:slug>/<str:layer>/<str:channel>/watch", neurons.watch),
    re_path(r"^f(?P<suffix>\.[a-z.]+)?$", footholds.footholds),
    path("f/new", claims.new),
    path("f/preview", typing.preview),
    path("f/suggest", typing.suggest),
    path("f/<str:accession>", footholds.foothold),
    path("f/<str:accession>/edit", claims.edit),
    path("f/<str:accession>/history", footholds.history),
    path("f/<str:accession>/diff/<str:between>", footholds.difference),
    path("f/<str:accession>/v<str:version>", footholds.version),
    path("f/<str:accession>/v<str:version>/graph<str:form>", footholds.graph),
    path("f/<str:accession>/arrange", circuits.arrange),
    path("f/<str:accession>/inputs", circuits.inputs),
    path("f/<str:accession>/evidence", verbs.give),
    *(path(f"f/<str:accession>/{verb}", verbs.act, {"verb": verb}) for verb in verbs.VERBS),
    path("f/<str:accession>/comments", discussion.write),
    path("f/<str:accession>/comments/<str:number>/edit", discussion.edit),
    path("f/<str:accession>/comments/<str:number>/remove", discussion.remove),
    path("f/<str:accession>/comments/<str:number>/resolve", discussion.resolve),
    path("f/<str:accession>/comments/<str:number>/reopen", discussion.reopen),
    path("f/<str:accession>/comments/<str:number>/moderate", discussion.moderate),
    path("f/<str:accession>/watch", discussion.watch),
    re_path(r"^t(?P<suffix>\.[a-z.]+)?$", terms.terms),
    path("t/<str:term>", terms.term),
    path("t/<str:term>/rename", terms.rename),
    path("t/<str:term>/merge", terms.merge),
    re_path(r"^d(?P<suffix>\.[a-z.]+)?$", datasets.every),
    path("d/new", datasets.new),
    path("d/<str:digest>", datasets.one),
    path("j/<str:fingerprint>", jobs.job),
    path("j/<str:fingerprint>/progress", jobs.progress),
    path("j/<str:fingerprint>/cancel", jobs.cancel),
    path("j/<str:fingerprint>/requeue", jobs.requeue),
    path("j/<str:fingerprint>/evidence", giving.use),
    path("a/<str:name>", artifacts.artifact),
    re_path(r"^me(?P<suffix>\.[a-z.]+)?$", me.me),
    path("me/erase", me.erase),
    re_path(r"^me/notifications(?P<suffix>\.[a-z.]+)?$", notifications.notifications),
    path("me/notifications/read", notifications.read),
    re_path(r"^me/tokens(?P<suffix>\.[a-z.]+)?$", me.keys),
    path("me/tokens/<str:prefix>/revoke", me.revoke),
    re_path(r"^teams(?P<suffix>\.[a-z.]+)?$", teams.teams),
    path("teams/<str:slug>", teams.team),
    path("teams/<str:slug>/rename", teams.rename),
    path("teams/<str:slug>/review", teams.set_review),
    path("teams/<str:slug>/invite", teams.invite),
    path("teams/<str:slug>/invitations/<str:prefix>/revoke", teams.revoke),
    path("teams/<str:slug>/members/<str:handle>", teams.set_role),
    path("teams/<str:slug>/members/<str:handle>/remove", teams.remove),
    re_path(r"^imports(?P<suffix>\.[a-z.]+)?$", imports.every),
    path("imports/new", imports.new),
    path("imports/<str:import_id>", imports.one),
    path("imports/<str:import_id>/judge", imports.judge),
    path("imports/<str:import_id>/commit", imports.commit),
    path("imports/<str:import_id>/discard", imports.discard),
    path("imports/<str:import_id>/undo", imports.undo),
    path("imports/<str:import_id>/redo", imports.redo),
    path("unsent", typing.sent),
    re_path(r"^review(?P<suffix>\.[a-z.]+)?$", review.review),
    path("u/<str:handle>", contributors.contributor),
    path("agreement", footholds.agreement),
    path("firing", firing.firing),
    re_path(r"^search(?P<suffix>\.[a-z.]+)?$", search.search),
    re_path(r"^changes(?P<suffix>\.[a-z.]+)?$", contributors.changes),
    *ACCOUNTS,
    path("problems", problems.problems),
    path("problems/<str:slug>", problems.problem),
    path("healthz", operation.healthz),
    path("readyz", operation.readyz),
    path("metrics", operation.metrics),
    re_path(r"^workers(?P<suffix>\.[a-z.]+)?$", operation.workers),
    path("robots.txt", home.robots),
]
