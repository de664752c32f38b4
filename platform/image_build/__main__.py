"""Run the command: ``python platform/image_build``."""

import sys
from pathlib import Path

# Python put this folder first; the package is found from the folder above it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from image_build.cli import main  # noqa: E402

sys.exit(main())
