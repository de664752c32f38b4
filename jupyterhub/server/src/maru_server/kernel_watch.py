"""Whether a kernel executes, told by what it says on its IOPub channel.

Jupyter's own tracking is not enough: it takes the welcome message that ipykernel 7 sends to each
new connection for activity, and calls a kernel idle as soon as any of its parallel requests (a
widget's message beside a running cell) ends.
"""

from collections.abc import Callable
from typing import Any

from jupyter_client.session import Session

# What pages send by themselves, not people.
_POLLS = frozenset(
    {
        "comm_info_request",
        "create_subshell_request",
        "debug_request",
        "delete_subshell_request",
        "interrupt_request",
        "kernel_info_request",
        "list_subshell_request",
        "shutdown_request",
        "usage_request",
    }
)


class KernelWatch:
    """Follows one kernel of ``kernel_manager`` from now on.

    ``is_executing``: a request of a person's is being worked on. ``last_message_at``: when the
    kernel last said something about such a request, by ``clock``.
    """

    def __init__(self, kernel: Any, clock: Callable[[], float]) -> None:
        self._kernel = kernel
        self._clock = clock
        # One running request of each kind for each subshell, by its id: one whose end was lost is
        # replaced by the next.
        self._running: dict[tuple[Any, str], str] = {}
        # A cell may have begun before the first message that is seen here.
        if getattr(kernel, "execution_state", "") == "busy":
            self._running[None, "execute_request"] = ""
        self.last_message_at = clock()
        kernel.add_restart_callback(self._forget_requests, "restart")
        self._connect()

    @property
    def is_executing(self) -> bool:
        """Whether a request of a person's is being worked on."""
        return bool(self._running)

    def refresh(self) -> None:
        """Connect again if the kernel moved to other ports."""
        if self._kernel.ports != self._ports:
            self._stream.close()
            self._connect()

    def close(self) -> None:
        """Stop following."""
        self._kernel.remove_restart_callback(self._forget_requests, "restart")
        if not self._stream.closed():
            self._stream.close()

    def _connect(self) -> None:
        self._ports = self._kernel.ports
        key = self._kernel.session.key
        self._session = Session(config=self._kernel.session.config, key=key)
        self._stream = self._kernel.connect_iopub()
        self._stream.on_recv(self._read)

    def _forget_requests(self) -> None:
        """A kernel that died answers nothing; its process is new."""
        self._running.clear()
        # The state that the kernel died in would stay in Jupyter's own list until the next cell.
        self._kernel.execution_state = "starting"

    def _read(self, parts: list[Any]) -> None:
        _, rest = self._session.feed_identities(parts)
        message = self._session.deserialize(rest)
        parent = message.get("parent_header") or {}
        if not parent.get("msg_type") or parent["msg_type"] in _POLLS:
            return
        self.last_message_at = self._clock()
        if message["header"]["msg_type"] != "status":
            return
        request = parent.get("subshell_id"), parent["msg_type"]
        if message["content"]["execution_state"] == "busy":
            self._running[request] = parent["msg_id"]
        elif self._running.get(request) in (parent["msg_id"], ""):
            del self._running[request]
