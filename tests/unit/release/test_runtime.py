from dataclasses import replace

from maru.release.runtime import Runtime, _cpu_features, this_runtime

HERE = Runtime("3.11.2", "0.1.0", "4.7.0", "2.4", "1.2", "glibc 2.36", "x86_64", ("avx2", "fma"))


def test_an_equal_runtime_differs_in_nothing():
    assert HERE.differences(HERE.to_json()) == []
    assert this_runtime().differences(this_runtime().to_json()) == []


def test_each_difference_is_said():
    there = replace(HERE, numpy="2.5", cpu=("avx2", "avx512f")).to_json()
    assert HERE.differences(there) == ["numpy 2.5 -> 2.4", "cpu features avx512f fma"]
    assert "libc absent -> glibc 2.36" in HERE.differences({})


def test_this_runtime_names_what_computes():
    found = this_runtime()
    assert found.lightgbm == "4.7.0"
    assert found.cpu


def test_only_arithmetic_features_of_the_first_cpu_count(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu sse2 avx2 ibrs sse2\n\nflags\t: avx512f\n")
    assert _cpu_features(cpuinfo) == ("avx2", "sse2")
    cpuinfo.write_text("Features\t: fp asimd sve\n")
    assert _cpu_features(cpuinfo) == ("asimd", "sve")
    cpuinfo.write_text("")
    assert _cpu_features(cpuinfo) == ("absent",)
    assert len(_cpu_features(tmp_path / "none")) == 1
