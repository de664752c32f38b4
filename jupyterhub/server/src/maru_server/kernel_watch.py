"""Whether a kernel executes, told by what it says on its IOPub channel.

Jupyter's own tracking is not enough: it takes the welcome message that ipykernel 7 sends to each
new connection for activity, and calls a kernel idle as soon as any of its parallel requests (a
widget's message beside a running cell) ends.

A cell that began before the connection stood said so to nobody here. So each new process of a
kernel is asked for its kernel_info, which it answers when it is done with what it began before,
until what it says about such a question is heard here. A parallel request answers no such question:
one that began before is not known.
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

    ``is_executing``: a request of a person's is being worked on, or may be. ``last_message_at``:
    when the kernel last said something about such a request, by ``clock``.
    """

    def __init__(self, kernel: Any, clock: Callable[[], float]) -> None:
        self._kernel = kernel
        self._clock = clock
        self.last_message_at = clock()
        kernel.add_restart_callback(self._forget_state, "restart")
        self._connect()

    @property
    def is_executing(self) -> bool:
        """Whether a request of a person's is being worked on, or was when the watch began."""
        return bool(self._running or self._question)

    def refresh(self) -> None:
        """Begin anew if the kernel's process is new; ask again if an answer went by unheard."""
        process = self._which_process()
        if process[1] is not None and process != self._process:
            self._disconnect()
            self._connect()
        elif self._is_answered:
            self._ask()

    def close(self) -> None:
        """Stop following."""
        self._kernel.remove_restart_callback(self._forget_state, "restart")
        self._disconnect()

    def _forget_state(self) -> None:
        """Jupyter's own list would show the state that a process died in until the next cell."""
        self._kernel.execution_state = "starting"

    def _disconnect(self) -> None:
        for stream in (self._stream, self._shell):
            if not stream.closed():
                stream.close()

    def _which_process(self) -> tuple[Any, int | None]:
        return self._kernel.ports, getattr(self._kernel.provisioner, "pid", None)

    def _connect(self) -> None:
        self._process = self._which_process()
        # One running request of each kind for each subshell, by its id: one whose end was lost is
        # replaced by the next.
        self._running: dict[tuple[Any, str], str] = {}
        key = self._kernel.session.key
        self._session = Session(config=self._kernel.session.config, key=key)
        self._stream, self._shell = self._kernel.connect_iopub(), self._kernel.connect_shell()
        self._stream.on_recv(self._read)
        self._shell.on_recv(self._read_answer)
        self._ask()

    def _ask(self) -> None:
        self._is_answered = False
        question = self._session.msg("kernel_info_request")
        self._question = question["header"]["msg_id"]
        self._session.send(self._shell, question)

    def _read_answer(self, _: list[Any]) -> None:
        self._is_answered = bool(self._question)

    def _read(self, parts: list[Any]) -> None:
        _, rest = self._session.feed_identities(parts)
        message = self._session.deserialize(rest)
        parent = message.get("parent_header") or {}
        if self._question and parent.get("msg_id") == self._question:
            if message["content"].get("execution_state") == "idle":
                self._question, self._is_answered = "", False
            return
        if not parent.get("msg_type") or parent["msg_type"] in _POLLS:
            return
        self.last_message_at = self._clock()
        if message["header"]["msg_type"] != "status":
            return
        request = parent.get("subshell_id"), parent["msg_type"]
        if message["content"]["execution_state"] == "busy":
            self._running[request] = parent["msg_id"]
        elif self._running.get(request) == parent["msg_id"]:
            del self._running[request]
