"""Run one command from a small process: a large parent's memory would count as the command's."""

import json
import os
import subprocess
import sys
import time

begin = time.perf_counter()
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
took = time.perf_counter() - begin
with open(sys.argv[1], "w") as out:  # noqa: PTH123 - pathlib would cost more than the command
    json.dump(
        {"s": took, "mb": usage.ru_maxrss / 1024, "exit": os.waitstatus_to_exitcode(status)}, out
    )
