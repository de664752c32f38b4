"""The latest moment and the CPU that counts, worked by hand."""

from hypothesis import given
from hypothesis import strategies as st
from maru_server.activity import CpuUse, LastActivity, busy_processes
from maru_server.belongings import Belongings
from maru_server.processes import Process


def process(pid, cpu_s, name="python"):
    return Process(pid, 1, pid, 0, name, "S", pid, cpu_s, 0)


def cpu(*readings):
    """Take in ``(seconds, {pid: CPU seconds})`` over a window of 30 s."""
    use = CpuUse(30)
    for at, used in readings:
        use.add(at, {pid: process(pid, cpu_s) for pid, cpu_s in used.items()})
    return use


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e6))))
def test_the_latest_moment_never_moves_back(notes):
    last, seen = LastActivity(0.0), [0.0]
    for what, at in notes:
        last.note(what, at)
        seen.append(last.at)
    assert seen == sorted(seen)
    assert last.at == max(at for at in (0.0, *(at for _, at in notes)))


def test_the_share_is_of_one_core_over_a_whole_window():
    use = cpu((0, {1: 10, 2: 0}), (15, {1: 10, 2: 5}), (30, {1: 13, 2: 15}))
    assert use.share([1]) == 0.1
    assert use.share([1, 2]) == 0.6


def test_before_a_whole_window_nothing_is_told():
    assert cpu((0, {1: 0}), (20, {1: 20})).share([1]) == 0


def test_what_cells_used_is_not_the_backgrounds():
    use = cpu((0, {1: 0}), (30, {1: 30}))
    assert use.share([1], since=-1) == 1
    assert use.share([1], since=1) == 0


def test_old_readings_are_forgotten_and_the_window_stays_whole():
    use = cpu(*((at, {1: min(at, 100)}) for at in range(0, 300, 2)))
    assert use.share([1]) == 0
    assert cpu(*((at, {1: at}) for at in range(0, 300, 2))).share([1]) == 1


def test_who_is_busy_is_named():
    use = cpu((0, {1: 0, 2: 0, 3: 0, 4: 0}), (30, {1: 3, 2: 1, 3: 0, 4: 30}))
    owned = Belongings({"a": {1}, "b": {2}}, {"1": {3}}, set(), {4})
    rows = {pid: process(pid, 0, name) for pid, name in ((3, "sleep"), (4, "train"))}
    names = {"a": ("kernel of a.ipynb", -1.0), "b": ("kernel of b.ipynb", -1.0)}
    assert list(busy_processes(owned, rows, use, names)) == [
        "terminal 1 runs sleep",
        "kernel of a.ipynb uses 10% of a core in the background",
        "train, left in the background, uses 100% of a core",
    ]
