"""``python tests/cluster/isolation``."""

import sys
from pathlib import Path

# The folder above holds this package and the hub's client; the repository's root stays off.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from isolation.cli import main  # noqa: E402

sys.exit(main())
