"""Try the way in: ``python -m maru_hub.front_door URL`` (run by ``helm test``).

Asks through the proxy for the hub's health and for the login page.
"""

import sys
from urllib.request import urlopen

TIMEOUT_S = 20
ASKED = {"/hub/health": "", "/hub/login": "<form"}
"""Path, and what its answer must contain."""


def faults(url: str) -> list[str]:
    """Return a sentence for each address that doesn't answer as it should."""
    found = []
    for path, needed in ASKED.items():
        try:
            with urlopen(url.rstrip("/") + path, timeout=TIMEOUT_S) as answer:
                if needed not in answer.read().decode():
                    found.append(f"{path} answers without {needed}")
        except OSError as error:
            found.append(f"{path} doesn't answer: {error}")
    return found


def main() -> None:
    """Print what was found; exit 1 on any fault."""
    found = faults(sys.argv[1])
    print("\n".join(found) or "the hub answers through the proxy")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
