"""Run the hub: ``python -m maru_hub``, with the settings that MARU_HUB_SETTINGS names."""

import sys
from pathlib import Path

from jupyterhub.app import JupyterHub

CONFIGURATION = Path(__file__).with_name("jupyterhub_config.py")


def main() -> None:
    """Start JupyterHub with our configuration and whatever options were given."""
    JupyterHub.launch_instance([f"--config={CONFIGURATION}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
