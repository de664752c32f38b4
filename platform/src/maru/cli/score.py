"""``maru score``: the scores of every entity as of a day, written once."""

import argparse

from maru.cli.outcome import Outcome

_EXAMPLES = """\
examples:
  maru score charge --as-of 2018-01-01     with the release that is live
  maru score charge --as-of 2018-01-01 --bundle sha256:... --replace
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``maru score``."""
    from datetime import date

    parser.epilog = _EXAMPLES
    parser.add_argument("project", help="a folder of projects/")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="DAY",
        help="local midnight that features are for; default: after the newest complete day",
    )
    parser.add_argument(
        "--bundle", metavar="DIGEST", help="a bundle of the store; default: the one that is live"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="score again a day that another release has scored, or whose files are damaged",
    )
    parser.add_argument(
        "--chunk",
        type=int,
        default=None,
        metavar="N",
        help="entities whose features are in memory at once (default: 100000)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Score the day, or find it scored."""
    from maru.batch.score import CHUNK, live_bundle, score
    from maru.cli.progress import show
    from maru.project import load_project
    from maru.release.bundle import peek_bundle
    from maru.release.digests import short
    from maru.release.refusals import as_experiment
    from maru.workspace import Workspace

    workspace = Workspace(args.repo)
    project = load_project(args.repo, args.project).name
    scored = score(
        workspace,
        project,
        as_of=args.as_of,
        bundle=args.bundle or live_bundle(workspace, project),
        replace=args.replace,
        chunk=args.chunk or CHUNK,
        show=show,
    )
    manifest = scored.manifest
    tried = as_experiment(peek_bundle(workspace.store(), manifest["bundle"]), project)
    as_of, release = manifest["as_of"], short(manifest["bundle"])
    counts = (
        f"{manifest['rows']:,} rows in, {manifest['scored']:,} scored, "
        f"{manifest['failed']:,} failed"
    )
    done = f"{'already ' * scored.before}scored by release {release}"
    folder = scored.folder.relative_to(workspace.root)
    text = [
        f"{project} as of {as_of}: {done}" + ", files verified" * scored.before,
        *tried,
        counts if manifest["rows"] else "no unit begins on this day, so there is nothing to score",
        f"read {manifest['columns_read']} columns of the mart; scores: {folder}",
        f"next: maru export {project} --as-of {as_of} --top 500",
    ]
    return Outcome(
        "\n".join(text),
        {**manifest, "folder": str(scored.folder), "before": scored.before, "notes": tried},
    )
