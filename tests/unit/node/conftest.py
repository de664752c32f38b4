"""Make the package ``node`` importable: it lies in tests/cluster, beside what uses it."""

import sys
from pathlib import Path

CLUSTER = str(Path(__file__).resolve().parents[2] / "cluster")
if CLUSTER not in sys.path:
    sys.path.append(CLUSTER)
