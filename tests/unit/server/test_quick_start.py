"""What the quick start leaves out, that there is a reason to, and that nothing is lost."""

import subprocess
import sys

IMPORTS = "import jupyterhub.singleuser, jupyterhub.log, jupyterlab.labapp\n"
QUICK = "from maru_server.quick_start import leave_out; leave_out()\n"
HEAVY = {"lark", "sqlalchemy", "alembic", "jupyterhub.handlers.base"}


def modules_after(code):
    program = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_stock_start_loads_what_ours_does_not():
    assert modules_after(IMPORTS) >= HEAVY, "then the quick start has no reason to be"
    assert not modules_after(QUICK + IMPORTS) & HEAVY


def test_who_uses_a_database_in_the_server_finds_it():
    found = modules_after(
        QUICK + IMPORTS + "import sqlalchemy, sqlalchemy.orm\n"
        "assert sqlalchemy.create_engine('sqlite://').connect()\n"
        "from sqlalchemy import select; assert select\n"
        "from sqlalchemy.exc import SQLAlchemyError, IntegrityError\n"
        "assert issubclass(IntegrityError, SQLAlchemyError)\n"
        "from jupyterhub import orm; assert orm.User"
    )
    assert "sqlalchemy.orm" in found


def test_no_package_is_loaded_twice():
    """A part that is imported first must be the one that its package knows."""
    modules_after(
        QUICK + "import sys\n"
        "from maru_server.quick_start import LoadedLater\n"
        "left = [n for n, m in sys.modules.items() if isinstance(m, LoadedLater)]\n"
        "assert left == ['jupyterhub.orm'], left\n"
        "from sqlalchemy.exc import NoResultFound\n"
        "import sqlalchemy\n"
        "assert sqlalchemy.exc.NoResultFound is NoResultFound\n"
    )


def test_a_database_layer_that_is_there_already_stays_as_it_is():
    modules_after(
        "import sqlalchemy\nfunc = sqlalchemy.func\n"
        + QUICK
        + IMPORTS
        + "import sqlalchemy as again\n"
        "assert again is sqlalchemy\n"
        "assert sqlalchemy.func is func\n"
    )


def test_roles_and_scopes_reach_the_real_database_layer():
    modules_after(
        QUICK + IMPORTS + "from jupyterhub import orm, roles, scopes\n"
        "assert 'count(' in str(roles.func.count(orm.Role.id))\n"
        "assert scopes.sa.inspect(orm.User)\n"
        "import jupyterhub.orm\n"
        "assert jupyterhub.orm.User is orm.User\n"
    )


def test_a_schema_with_formats_is_still_checked():
    modules_after(
        QUICK + "import jsonschema\n"
        "kind = jsonschema.Draft202012Validator\n"
        "check = kind({'format': 'date'}, format_checker=kind.FORMAT_CHECKER)\n"
        "assert check.is_valid('2026-12-31')\n"
        "assert not check.is_valid('31.12.')"
    )
