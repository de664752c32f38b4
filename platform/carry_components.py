"""Hatch's build hook: a wheel carries the components along.

In a checkout, installed to be edited, maru.components finds them in components/.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarryComponents(BuildHookInterface):  # type: ignore[type-arg]
    """Put components/ into the wheel as maru/component_files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder unless what is built is the link to a checkout."""
        if version != "editable":
            build_data["force_include"]["../components"] = "maru/component_files"
