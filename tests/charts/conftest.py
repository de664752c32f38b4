"""What the chart tests share: modules beside this file are importable by their names."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _importable(name):
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_importable("rendering")
_importable("policy_tools")
