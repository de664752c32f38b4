"""Inside the scoring image: the service loads, and refuses in words to start without a bundle."""

import importlib
import json
import sys

import bentoml

from maru.errors import BundleError

sys.path.insert(0, "/opt/scoring")
# By name: outside the image there is no such package.
service = importlib.import_module("service")


def main() -> None:
    """Load the service as BentoML does; see what it says when nothing is to be served."""
    names = sorted(service.Scoring.apis)
    assert names == ["score"], names
    said = ""
    try:
        service.release_of_environment()
    except BundleError as error:
        said = str(error)
    assert "MARU_BUNDLES" in said, f"without a bundle the service says {said!r}"
    print(json.dumps({"bentoml": bentoml.__version__, "apis": names}))


if __name__ == "__main__":
    main()
