"""What a test needs of the machine, as marks that skip it elsewhere."""

import os

import pytest

from tests.support.processes import can_unshare

linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")
mounts = pytest.mark.skipif(not can_unshare("--mount"), reason="no mounts for us here")
