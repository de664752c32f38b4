"""A PostgreSQL server, as its superuser: roles and databases."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, cursor, encrypt_password

from maru.errors import RunError

_RETRY_S = 2.0


class PostgresqlServer:
    """Where the server is, and the password of its superuser ``postgres``."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self._host = host
        self._port = port
        self._password = password

    def wait(self, seconds: float, report: Callable[[str], None]) -> None:
        """Wait until the server answers.

        Raises
        ------
        RunError
            If it doesn't within that time, or refuses the password.
        """
        deadline = time.monotonic() + seconds
        said = False
        while True:
            try:
                with self._cursor() as ask:
                    ask.execute("select 1")
                return
            except psycopg2.OperationalError as error:
                words = str(error).strip().splitlines()[-1]
                if "password authentication failed" in words or time.monotonic() > deadline:
                    raise RunError(
                        f"PostgreSQL at {self._host}:{self._port} does not let postgres in: {words}"
                    ) from None
                if not said:
                    report(f"waiting for PostgreSQL at {self._host}:{self._port}: {words}")
                    said = True
                time.sleep(_RETRY_S)

    def ensure_role(self, name: str, password: str) -> bool:
        """Let ``name`` log in with ``password``; return whether that was new."""
        with self._cursor() as ask:
            ask.execute("select 1 from pg_roles where rolname = %s", (name,))
            exists = ask.fetchone() is not None
            if exists and self.lets_in(name, password):
                return False
            verb = "alter" if exists else "create"
            # Only the hash travels, so no log of statements can hold a password.
            hashed = encrypt_password(password, name, ask.connection, "scram-sha-256")
            ask.execute(
                sql.SQL(f"{verb} role {{}} with login password {{}}").format(
                    sql.Identifier(name), sql.Literal(hashed)
                )
            )
        return True

    def ensure_database(self, name: str, owner: str) -> bool:
        """Make the database where it is missing and close it to others; return whether it was."""
        with self._cursor() as ask:
            ask.execute("select 1 from pg_database where datname = %s", (name,))
            missing = ask.fetchone() is None
            if missing:
                ask.execute(
                    sql.SQL(
                        "create database {} owner {} template template0 encoding 'UTF8'"
                    ).format(sql.Identifier(name), sql.Identifier(owner))
                )
            close = sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
            ask.execute(close)
        return missing

    def lets_in(self, name: str, password: str, database: str = "postgres") -> bool:
        """Say whether a role may log in to a database with that password."""
        try:
            with closing(self._connect(name, password, database)):
                return True
        except psycopg2.OperationalError:
            return False

    def _connect(self, user: str, password: str, database: str) -> connection:
        return psycopg2.connect(
            host=self._host,
            port=self._port,
            user=user,
            password=password,
            dbname=database,
            connect_timeout=5,
        )

    @contextmanager
    def _cursor(self) -> Iterator[cursor]:
        with closing(self._connect("postgres", self._password, "postgres")) as link:
            link.autocommit = True  # a database can't be made inside a transaction
            with link.cursor() as ask:
                yield ask
