"""What the quick start leaves out, and that there still is a reason to."""

import subprocess
import sys

IMPORTS = "import jupyterhub.singleuser, jupyterlab.labapp"


def modules_after(code):
    program = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_stock_start_compiles_a_grammar_that_ours_does_not():
    quick = "from maru_server.quick_start import leave_out; leave_out()\n"
    assert "lark" in modules_after(IMPORTS), "then the quick start has no reason to be"
    assert "lark" not in modules_after(quick + IMPORTS)


def test_a_schema_with_formats_is_still_checked():
    found = modules_after(
        "from maru_server.quick_start import leave_out; leave_out()\n"
        "import jsonschema\n"
        "check = jsonschema.Draft202012Validator({'format': 'date'}, format_checker="
        "jsonschema.Draft202012Validator.FORMAT_CHECKER)\n"
        "assert not check.is_valid('31.12.'), 'a date is'"
    )
    assert "jsonschema" in found
