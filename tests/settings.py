"""The settings of the tests: everything in folders of their own, nothing slow on purpose."""

import atexit
import os
import shutil
import tempfile

if "ATLAS_HOME" not in os.environ:
    os.environ["ATLAS_HOME"] = tempfile.mkdtemp(prefix="atlas-tests-")
    atexit.register(shutil.rmtree, os.environ["ATLAS_HOME"], ignore_errors=True)
os.environ.setdefault("ATLAS_SECRET_KEY", "a secret of the tests that is long enough to be taken for one")

from atlas.settings import *  # noqa: F403 - the tests differ from the service in the lines below only
from atlas.settings import DATABASES, HOME, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: in-memory SQLite shares one connection between threads and locks up under them.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
DATABASES["default"]["CONN_MAX_AGE"] = 0
RATES = dict.fromkeys(("read", "search", "write", "compute", "import"), 1_000_000)  # tests of limits set their own
STREAM_SECONDS = 0.0  # nobody waits for a job that no worker will answer
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
