"""What comes from Debian packages."""

import shutil

import pytest
from node import debian
from node.errors import NodeError


def test_a_package_is_missing_when_its_program_is():
    assert debian.missing({"there": "sh", "absent": "no-such-program"}) == ["absent"]


def test_nothing_is_installed_when_nothing_is_missing(capsys):
    debian.install_missing({"there": "sh"})
    assert capsys.readouterr().out == ""


def test_a_machine_without_apt_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *words, **options: None)
    with pytest.raises(NodeError, match="this needs one, two; install them"):
        debian.install_missing({"one": "no-such-1", "two": "no-such-2"})


def test_every_program_that_the_node_calls_comes_from_a_package():
    assert {"runc", "mkfs.ext4", "nft", "iptables", "ip", "losetup"} <= {*debian.PROGRAMS.values()}
