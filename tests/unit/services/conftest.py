"""The tiny bundles of the serving tests; the tests are no package, so they are loaded by path."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_SPEC = spec_from_file_location(
    "serving_fixtures", Path(__file__).parents[1] / "serving" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_SERVING = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_SERVING)

session_store = _SERVING.session_store
release = _SERVING.release
