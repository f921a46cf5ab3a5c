"""Serial ports, on a pty."""

from __future__ import annotations

import os
import pty
import time
from collections.abc import Iterator

import pytest

from drivers.errors import DeviceLost
from drivers.serial_port import SERIAL_WAIT_S, open_serial


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_serial_port_carries_raw_bytes_both_ways(line: tuple[int, str]) -> None:
    master, path = line
    port = open_serial(path)
    port.write(b"s\r\n\x00\xff")
    assert os.read(master, 16) == b"s\r\n\x00\xff"
    os.write(master, b"\xa0\r\n\x03\x11\x13\xc0")
    assert port.read(7) == b"\xa0\r\n\x03\x11\x13\xc0"
    port.close()


def test_serial_port_read_ends_when_nothing_comes(line: tuple[int, str]) -> None:
    port = open_serial(line[1])
    start_s = time.monotonic()
    assert port.read(33) == b""
    assert SERIAL_WAIT_S * 0.9 < time.monotonic() - start_s < SERIAL_WAIT_S + 1.0
    port.close()


def test_serial_port_belongs_to_one_process(line: tuple[int, str]) -> None:
    port = open_serial(line[1])
    with pytest.raises(DeviceLost):
        open_serial(line[1])
    port.close()
    open_serial(line[1]).close()


def test_serial_port_that_is_absent_says_what_to_do() -> None:
    with pytest.raises(DeviceLost, match=r"ttyNOWHERE.*plug the dongle in.*dialout"):
        open_serial("/dev/ttyNOWHERE")
