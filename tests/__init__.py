"""Tests of presence, for trial; the packages mirror those of ``presence``."""

from hypothesis import settings

from presence.testing import FakeDaemon
from tests import canary

# A busy machine is slow now and then, which says nothing about the code; and a
# database of examples would be a file that nobody asked for.
settings.register_profile("presence", deadline=None, database=None)
settings.load_profile("presence")

canary.install()
FakeDaemon.accesstoken = canary.TOKEN
