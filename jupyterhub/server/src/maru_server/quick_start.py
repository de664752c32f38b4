"""Start the single-user server in less than half the time, by leaving out what it doesn't use.

``python -m maru_server.quick_start`` in place of ``jupyterhub-singleuser``. Of the 2.0 s that its
imports take, 1.1 s compile a grammar of internationalised addresses (jsonschema takes it where it
can be imported, for a format that no schema here names), and 0.5 s load the hub's database layer
and pages, of which a single-user server asks only whether a request was for the health page.
"""

import importlib
import sys
from types import ModuleType

UNUSED = ("rfc3987_syntax", "httpx._main")
"""Taken where they can be imported, and done without where not."""

DATABASE = "sqlalchemy"
TABLES = "jupyterhub.orm"
"""Both are imported by modules that use them in the hub only."""

NAMES_DATABASE = ("jupyterhub.roles", "jupyterhub.utils")
"""These take names out of the database layer: one that counts rows, and an error that the hub's own
handlers catch."""

PAGES = "jupyterhub.handlers.pages"


class HealthCheckHandler:
    """Stands in for the hub's health page: a single-user server has none."""


class LoadedLater(ModuleType):
    """Stands where a module will be; the first use of anything in it loads the real one."""

    def __getattr__(self, name: str) -> object:
        """Load the module and return what was asked of it."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def leave_out() -> None:
    """Arrange that what isn't used isn't loaded; call it before anything is imported."""
    for name in UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say: not there
    if DATABASE not in sys.modules:
        _import_beside_database()
    package, pages = ModuleType(PAGES.rpartition(".")[0]), ModuleType(PAGES)
    package.__dict__["__path__"] = []
    pages.__dict__["HealthCheckHandler"] = HealthCheckHandler
    sys.modules |= {package.__name__: package, pages.__name__: pages}


def _import_beside_database() -> None:
    """Import the hub's modules that name the database layer, while stand-ins are in its place.

    Who imports it later finds the real one: no package may stay a stand-in, for the first import of
    a part of it would load that part twice.
    """
    database, errors = LoadedLater(DATABASE), ModuleType(f"{DATABASE}.exc")
    errors.__dict__["SQLAlchemyError"] = type("SQLAlchemyError", (Exception,), {})
    # Of `func` only the count is used, which is one of these.
    database.__dict__.update(__path__=[], func=LoadedLater(f"{DATABASE}.sql.functions"))
    tables = LoadedLater(TABLES)
    sys.modules |= {DATABASE: database, errors.__name__: errors, TABLES: tables}
    for name in NAMES_DATABASE:
        importlib.import_module(name)
    sys.modules["jupyterhub"].__dict__["orm"] = tables
    del sys.modules[errors.__name__], sys.modules[DATABASE]


def main() -> None:
    """Run JupyterHub's single-user server."""
    leave_out()
    from jupyterhub.singleuser import main as start

    sys.exit(start())


if __name__ == "__main__":
    main()
