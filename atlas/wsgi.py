"""The door for web servers."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atlas.settings")
application = get_wsgi_application()
# What is loaded by now stays, and a page makes some thousands of objects that go with it: looking through all of them
# as often as Python does by itself takes 6 to 10 per cent of a page (measured on four kinds of page).
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
# Threads take turns when one waits for the database, and otherwise after so many seconds. With Python's 5 ms a page
# that comes back with a row waits for every other that computes, a dozen times. (p95 of benchmarks/pages.py: with 5 ms
# 392, with 30 ms 329, with 100 ms 493, with half a millisecond 1,378.)
sys.setswitchinterval(0.03)
