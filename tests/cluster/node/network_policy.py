"""Run the NetworkPolicy enforcer: ``python tests/cluster/node/network_policy.py --help``."""

import sys
from pathlib import Path

# Python put this folder first; the package is found from the folder above it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from node.network_policy_enforcer import main  # noqa: E402

main()
