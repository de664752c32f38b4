"""The pages for people at ``/``: what is live, since when, by whom, and why not."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from maru.serving.loaded import LoadedRelease
from maru.serving.wanted import ProjectStatus

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2330; background: #fbfbfc }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.1rem; margin: 0 }}
section {{ background: #fff; border: 1px solid #dde1e7; border-radius: 8px; padding: 1rem;
  margin: 1rem 0 }}
dl {{ display: grid; grid-template-columns: 9rem 1fr; gap: .2rem 1rem; margin: .6rem 0 }}
dt {{ color: #5b6472 }} dd {{ margin: 0; overflow-wrap: anywhere }}
pre {{ background: #f2f4f7; padding: .6rem; border-radius: 6px; overflow-x: auto;
  font-size: .85rem }}
.state {{ font-size: .85rem; padding: .1rem .5rem; border-radius: 1rem; background: #e3e6eb }}
.live {{ background: #d6f2df }} .broken {{ background: #fbdcd9 }}
.problem {{ color: #a5231a }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def fleet_page(
    statuses: Sequence[ProjectStatus],
    releases: Mapping[str, LoadedRelease | None],
    facts: Mapping[str, Any],
    url: str,
) -> bytes:
    """Return the page that lists every project; ``facts`` say what is followed, ``url`` where."""
    head = _list(facts.items())
    empty = "" if statuses else "<p>No project has a release yet: <code>maru release</code>.</p>"
    sections = "".join(
        _section(s, releases.get(s.project), f"{url}/{s.project}", s.project) for s in statuses
    )
    return _PAGE.format(title="maru", body=head + empty + sections).encode()


def project_page(status: ProjectStatus, release: LoadedRelease | None, url: str) -> bytes:
    """Return the page of one project, which is mounted at ``url``; its links are relative."""
    body = _section(status, release, url, None)
    return _PAGE.format(title=escape(status.project), body=body).encode()


def _section(
    status: ProjectStatus, release: LoadedRelease | None, url: str, folder: str | None
) -> str:
    place = f"{folder}/" if folder else ""
    look = {"live": "live", "broken": "broken"}.get(status.state, "")
    facts: list[tuple[str, Any]] = []
    if status.bundle:
        facts.append(("bundle", status.bundle))
    if status.wanted and status.wanted != status.bundle:
        facts.append(("wanted", status.wanted))
    if status.released:
        by = status.released
        facts.append(("released", f"{by.at:%Y-%m-%d %H:%M} UTC by {by.author}"))
        facts.append(("commit", f"{by.commit[:12]} {by.subject}"))
    if status.code_commit:
        facts.append(("code", status.code_commit[:12]))
    if release:
        facts.append(("golden rows", f"equal {release.golden}"))
    problem = f'<p class="problem">{escape(status.problem)}</p>' if status.problem else ""
    links = " · ".join(
        f'<a href="{escape(place + path)}">{path}</a>'
        for path in ("healthz", "openapi.json", "metrics")
    )
    name = f'<a href="{escape(place)}">{escape(status.project)}</a>' if folder else "service"
    return (
        f'<section><h2>{name} <span class="state {look}">{escape(status.state)}</span></h2>'
        f"{problem}{_list(facts)}{_example(release, url)}<p>{links}</p></section>\n"
    )


def _list(facts: Any) -> str:
    rows = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in facts)
    return f"<dl>{rows}</dl>" if rows else ""


def _example(release: LoadedRelease | None, url: str) -> str:
    """Return a request with the first required columns spelt out."""
    if release is None:
        return ""
    shown = release.schema.required[:3]
    more = len(release.schema.required) - len(shown)
    features = ", ".join(f'"{name}": 0' for name in shown) + (f", ... {more} more" if more else "")
    body = f'{{"entity": "12", "features": {{{features}}}}}'
    words = f"curl {url}/score -H 'content-type: application/json' -d '{body}'"
    return f"<pre>{escape(words)}</pre>"
