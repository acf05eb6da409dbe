"""One settings module: every deploy-time value comes from an ATLAS_* variable, every default is safe on a laptop."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from atlas.networks import Networks

BASE_DIR = Path(__file__).resolve().parent.parent

SHORTEST_KEY, FEWEST_LETTERS = 50, 10


def environment(name: str, default: str = "") -> str:
    """The value of ATLAS_<name>."""
    return os.environ.get(f"ATLAS_{name}", default)


# Everything the service writes lives here: database, artifacts, collected static files, the secret key.
HOME = Path(environment("HOME", str(BASE_DIR / "var"))).resolve()


def kept_secret(path: Path) -> str:
    """The secret key of this installation, made on first use; several web hosts share one by ATLAS_SECRET_KEY."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text()


def strong(key: str) -> str:
    """The secret key, if nobody can guess it: whoever knows it signs in as anybody."""
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_LETTERS or key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"ATLAS_SECRET_KEY must be {SHORTEST_KEY} random characters or more; without it one is made and kept."
        )
    return key


def rates(text: str) -> dict[str, int]:
    """`read=600,compute=60` as numbers."""
    return {name.strip(): int(count) for name, _, count in (pair.partition("=") for pair in text.split(",") if pair)}


def database(url: str) -> dict[str, Any]:
    """Django's settings for `postgres://user:password@host:port/name`, or for SQLite in ATLAS_HOME when empty."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "atlas.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                # A write transaction takes its lock at once: upgrading a read lock is what fails under load.
                "transaction_mode": "IMMEDIATE",
                # FULL, because an acknowledged request must survive a power cut.
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-65536;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": 600,  # a new one costs what some pages cost
        "CONN_HEALTH_CHECKS": True,
        # Compiling a page's query takes PostgreSQL up to a second, where answering it takes 20 ms; and of disks that
        # turn it expects that reading a whole table is cheaper than looking up a thousand rows of it.
        "OPTIONS": {"options": "-c jit=off -c random_page_cost=1.1"},
    }


def artifact_store(url: str) -> dict[str, Any]:
    """Django's settings for `s3://key:secret@host:port/bucket/prefix`; for a folder in ATLAS_HOME when empty.

    `s3+http://` is without TLS; without a host it is Amazon's, without a key whoever this machine is there.
    """
    if not url:
        return {"BACKEND": "atlas.storage.ContentStore", "OPTIONS": {"location": HOME / "artifacts"}}
    parts = urlsplit(url)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if parts.scheme not in ("s3", "s3+http") or not bucket:
        raise ImproperlyConfigured(
            "ATLAS_ARTIFACTS_URL must be s3://key:secret@host/bucket; s3+http:// is without TLS."
        )
    where = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    return {
        "BACKEND": "atlas.buckets.ObjectStore",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": prefix,
            "endpoint_url": f"{'http' if parts.scheme == 's3+http' else 'https'}://{where}" if where else None,
            "access_key": unquote(parts.username or "") or None,
            "secret_key": unquote(parts.password or "") or None,
            "region_name": environment("ARTIFACTS_REGION") or None,
        },
    }


def mail(url: str) -> dict[str, Any]:
    """Django's settings for `smtp://user:password@host:port`, `smtps://`, `smtp+tls://`; to the console when empty."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or {"smtps": 465, "smtp+tls": 587}.get(parts.scheme, 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }


def identity_provider(client: str, **more: Any) -> dict[str, Any]:
    """One service that vouches for people, from `id:secret`."""
    identity, _, secret = client.partition(":")
    return {"client_id": identity, "secret": secret, **more}


# --- Django -----------------------------------------------------------------------------------------------------------
DEBUG = environment("DEBUG") == "1"
SECRET_KEY = strong(environment("SECRET_KEY") or kept_secret(HOME / "secret-key"))
ALLOWED_HOSTS = environment("HOSTS", "127.0.0.1,localhost,[::1]").split(",")
# What citations begin with: a permanent address must not depend on by which name somebody came.
ADDRESS = environment("ADDRESS").rstrip("/")
CSRF_TRUSTED_ORIGINS = [origin for origin in environment("ORIGINS").split(",") if origin]
ROOT_URLCONF = "atlas.urls"
WSGI_APPLICATION = "atlas.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "atlas",
    "api",
    "workers",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "atlas.web.middleware.proxies",
    "atlas.web.middleware.request_id",
    "atlas.web.middleware.read_at_once",
    "atlas.web.watching.watched",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "atlas.web.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "atlas.web.middleware.bearer",
    "atlas.web.middleware.own_password_first",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "atlas.web.middleware.Refusals",
]
TAGS = (
    "anatomy",
    "claiming",
    "curves",
    "effects",
    "figures",
    "pairs",
    "plots",
    "prose",
    "samples",
    "tellings",
    "walls",
)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "atlas" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "atlas.web.people.unread",
            ],
            "libraries": {name: f"atlas.web.{name}" for name in TAGS},
            "builtins": ["atlas.web.times"],
        },
    }
]

# --- The record -------------------------------------------------------------------------------------------------------
DATABASES = {"default": database(environment("DATABASE_URL"))}
# On PostgreSQL the owner migrates and another role serves: `migrate` grants that role what it needs and no more.
SERVING_ROLE = environment("SERVING_ROLE")
AUTH_USER_MODEL = "atlas.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CSRF_FAILURE_VIEW = "atlas.web.refusals.csrf"
LOGIN_URL = "/accounts/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
SESSION_ENGINE = "atlas.web.sessions"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- HTTPS ------------------------------------------------------------------------------------------------------------
HTTPS = environment("HTTPS") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# What proxies say of who asks, and how, is heard from these addresses alone.
PROXIES = Networks(environment("PROXIES", "127.0.0.1,::1" if HTTPS else ""))
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# What looks from inside, past the proxy: probes and the scraper of measures.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Accounts ---------------------------------------------------------------------------------------------------------
SIGN_UP = environment("SIGN_UP", "invitation")  # or open
AUTHENTICATION_BACKENDS = ["atlas.web.recognising.Backend"]
ACCOUNT_ADAPTER = "atlas.web.entrance.Entrance"
ACCOUNT_FORMS = {"login": "atlas.web.entrance.SignIn", "signup": "atlas.web.entrance.SignUp"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_CHANGE_EMAIL = True
# Proved by a link, so that neither sign-up nor reset tells who has an account here.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Footholds] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Footholds"
SOCIALACCOUNT_ADAPTER = "atlas.web.entrance.Vouched"
SOCIALACCOUNT_FORMS = {"signup": "atlas.web.entrance.VouchedSignUp"}
SOCIALACCOUNT_AUTO_SIGNUP = False  # a handle, a name and a licence are chosen by a person
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    provider: {"APPS": [identity_provider(client, name=name)]}
    for provider, name, client in (
        ("github", "GitHub", environment("GITHUB")),
        ("orcid", "ORCID", environment("ORCID")),
    )
    if client
}
if environment("OIDC_URL"):
    ours = {"name": environment("OIDC_NAME", "OpenID"), "settings": {"server_url": environment("OIDC_URL")}}
    only = identity_provider(environment("OIDC_CLIENT"), provider_id="oidc", **ours)
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {"APPS": [only]}
INSTALLED_APPS += [f"allauth.socialaccount.providers.{name}" for name in SOCIALACCOUNT_PROVIDERS]
# Where a form may lead besides here: signing in elsewhere begins with a redirect, which `form-action` binds too.
VOUCHING_ORIGINS = {"github": "https://github.com", "orcid": "https://orcid.org"} | {
    "openid_connect": "{0.scheme}://{0.netloc}".format(urlsplit(environment("OIDC_URL")))
}
VOUCHING = " ".join(VOUCHING_ORIGINS[name] for name in SOCIALACCOUNT_PROVIDERS)
globals().update(mail(environment("EMAIL_URL")))
DEFAULT_FROM_EMAIL = environment("EMAIL_FROM", "footholds@localhost")

# --- Review -----------------------------------------------------------------------------------------------------------
QUORUM = int(environment("QUORUM", "2"))  # who agree before a claim is accepted

# --- Files ------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(environment("STATIC", str(HOME / "static")))
STATICFILES_DIRS = [BASE_DIR / "atlas" / "web" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is ever stored there
    "artifacts": artifact_store(environment("ARTIFACTS_URL")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

SCRATCH = HOME / "scratch"  # where a computation that takes long goes on after an interruption

# --- Workers ----------------------------------------------------------------------------------------------------------
# memory:// is Celery's in-process transport: the worker rings for itself. Production rings through redis://.
BROKER = environment("BROKER", "memory://")
LEASE_SECONDS = float(environment("LEASE_SECONDS", "30"))
SWEEP_SECONDS = float(environment("SWEEP_SECONDS", "0.5"))
STALL_SECONDS = float(environment("STALL_SECONDS", "900"))  # without a step, a computation hangs
DEADLINE_SECONDS = float(environment("DEADLINE_SECONDS", "21600"))  # the longest that one start of a question may take
DEVICE = environment("DEVICE", "auto")  # auto, cpu, cuda, cuda:1 …
# Device-seconds that a team or a personal space may use in any 24 hours unless `set_quota` said otherwise; 0: any.
QUOTA_SECONDS = float(environment("QUOTA_SECONDS", "86400")) or None

# How often leftovers are removed, 0 for never by itself; how long what nothing refers to is kept all the same.
TIDY_SECONDS = float(environment("TIDY_SECONDS", "3600"))
GRACE_HOURS = float(environment("GRACE_HOURS", "24"))  # longer than it takes from keeping bytes to referring to them
LEFTOVER_DAYS = float(environment("LEFTOVER_DAYS", "30"))  # of what somebody sent and never used

STREAM_SECONDS = float(environment("STREAM_SECONDS", "600"))  # of one stream of events; whoever follows comes back

# What several processes count together, such as the rate of requests, they count in Redis where there is one.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache"
        if BROKER.startswith("redis")
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": BROKER,
        "KEY_PREFIX": "atlas",
    }
}

# --- HTTP -------------------------------------------------------------------------------------------------------------
# Requests a minute for one person, or one address where nobody is signed in.
RATES = {"read": 1200, "search": 240, "write": 240, "compute": 240, "import": 30} | rates(environment("RATES"))
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.Bearer",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],  # services decide, for every door alike
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "api.errors.problem",
    "DEFAULT_SCHEMA_CLASS": "api.schema.Schema",
    "URL_FORMAT_OVERRIDE": None,  # Accept says the form; `format` is a parameter like any other that is none
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Footholds",
    "DESCRIPTION": "A shared atlas of the neurons of fixed model checkpoints.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [],  # words stand where they may be said, not in components of their own
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
# --- Watching ---------------------------------------------------------------------------------------------------------
METRICS_TOKEN = environment("METRICS_TOKEN")  # who shows it may read /metrics; without one there is no such address
LOG_FORMAT = environment("LOG_FORMAT", "line")  # or json, which has a line for every request, too
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "atlas.discretion.Formatter", "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "atlas.logs.Structured"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "loggers": {
        # Celery's in-process transport has no host, and is warned about it each time it connects.
        "kombu.connection": {"level": "ERROR"},
        # On a laptop nobody reads who asked for what.
        "atlas.requests": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
    },
    "root": {"handlers": ["console"], "level": environment("LOG_LEVEL", "INFO")},
}
