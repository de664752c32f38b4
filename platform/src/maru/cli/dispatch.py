"""Parse the words of one command, call it, and print its outcome as text or JSON."""

import argparse
import difflib
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from maru import errors
from maru.cli.main import summaries
from maru.cli.outcome import Outcome

USAGE_ERROR = 2
INTERRUPTED = 130


class _UsageError(Exception):
    """The words on the command line break the command's own grammar."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}. See: {self.prog} --help")


def dispatch(words: list[str]) -> int:
    """Run ``words[0]`` with the other words as its arguments; return the exit code."""
    as_json = "--json" in words
    try:
        outcome = _call(words[0], words[1:])
        _print(json.dumps(outcome.data, default=str) if as_json else outcome.text)
        return 0 if outcome.ok else 1
    except _UsageError as error:
        _print_error(str(error), "Usage", as_json)
        return USAGE_ERROR
    except errors.MaruError as error:
        _print_error(str(error), _kind(error), as_json)
        return 1
    except KeyboardInterrupt:
        _print_error("stopped", "Stopped", as_json)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, say `head`, has seen enough; keep Python from flushing into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from maru.cli.full_disk import says_disk_is_full

        if not says_disk_is_full(error):
            raise
        _print_error(_full_disk(error), "FullDisk", as_json)
        return 1


def build_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command, with what every command takes."""
    parser = _Parser(
        prog=f"maru {command}",
        description=summaries()[command],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _module(command).configure(parser)
    shared = parser.add_argument_group("every command")
    shared.add_argument("--json", action="store_true", help="print JSON instead of words")
    shared.add_argument(
        "--repo",
        type=Path,
        default=None,
        metavar="DIR",
        help="the repository; default: the one around the working directory",
    )
    return parser


def _call(command: str, arguments: list[str]) -> Outcome:
    known = summaries()
    if command not in known:
        meant = difflib.get_close_matches(command, known, n=1)
        hint = f"did you mean `{meant[0]}`?" if meant else "all are listed by: maru --help"
        raise _UsageError(f"there is no command `{command}`; {hint}")
    parsed = build_parser(command).parse_args(arguments)
    from maru.project import find_root  # after parsing: --help needs no pydantic

    start = parsed.repo or Path.cwd()
    if not start.is_dir():
        raise _UsageError(f"--repo must be a folder, got {start}")
    parsed.repo = find_root(start)
    outcome: Outcome = _module(command).run(parsed)
    return outcome


def _module(command: str) -> Any:
    return importlib.import_module(f"maru.cli.{command}")


def _kind(error: errors.MaruError) -> str:
    """Return the name of the error's class in maru.errors: the finer ones are not for scripts."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)


def _full_disk(error: Exception) -> str:
    where = getattr(error, "filename", None) or Path.cwd()
    return (
        f"the disk (or the quota) of {where} or of the temporary folder is full: {error}. What "
        "was whole before is whole still. Free some space, see df -h, and run the command again"
    )


def _print(text: str) -> None:
    print(text)
    sys.stdout.flush()


def _print_error(text: str, kind: str, as_json: bool) -> None:
    if as_json:
        _print(json.dumps({"error": text, "kind": kind}))
    else:
        print("maru:\n" + text if "\n" in text else f"maru: {text}", file=sys.stderr)
