import pytest
from hypothesis import given
from hypothesis import strategies as st
from maru_hub.units import size_bytes, written_size


def test_values_worked_by_hand():
    assert size_bytes("512Mi") == 536_870_912
    assert size_bytes("1Gi") == 1_073_741_824
    assert size_bytes(1024) == 1024
    assert written_size(1536 * 2**20) == "1536Mi"
    assert written_size(0) == "0"


@pytest.mark.parametrize("written", ["1G", "1.5Gi", "-1Gi", "1 Gi", "", None, "Gi"])
def test_what_could_be_meant_otherwise_is_refused(written):
    with pytest.raises(ValueError, match="Ki, Mi, Gi or Ti"):
        size_bytes(written)


@given(st.integers(min_value=0, max_value=2**50))
def test_a_written_size_reads_back(size):
    assert size_bytes(written_size(size)) == size
