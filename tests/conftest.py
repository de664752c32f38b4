"""What all tests share: a small project that trains in about a second.

The tests are no package (see pyproject.toml), so the module is made importable by its name here.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_SPEC = spec_from_file_location("small_project", Path(__file__).with_name("small_project.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = module_from_spec(_SPEC)
sys.modules["small_project"] = _MODULE
_SPEC.loader.exec_module(_MODULE)
