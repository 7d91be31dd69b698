"""Marks that skip a test where the machine lacks what it needs."""

import os

import pytest

from tests.support.processes import can_unshare

linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc here")
mounts = pytest.mark.skipif(not can_unshare("--mount"), reason="mounts are not permitted here")
