"""The playbooks: their syntax, Ansible's own linter, and the files that the role writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader

from device.config import load

PROVISIONING = Path(__file__).resolve().parents[2] / "provisioning"
ROLE = PROVISIONING / "roles/tranquillo"
PLAYBOOKS = sorted(path.name for path in PROVISIONING.glob("*.yml"))
MINIMAL = {"unit_id": "unit-07", "player": {"loudness": {"full_scale_dba": 98.5}}}


def ansible(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs in the folder of the playbooks."""
    path = Path(sys.executable).parent
    environment = {**os.environ, "ANSIBLE_CONFIG": "ansible.cfg", "PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run([path / program, *words], capture_output=True, text=True, check=False,
                          timeout=240, cwd=PROVISIONING, env=environment)


def render(template: str, **variables: Any) -> str:
    """Render one of the role's templates as Ansible does."""
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    environment = Environment(loader=FileSystemLoader(ROLE / "templates"), trim_blocks=True,  # noqa: S701
                              keep_trailing_newline=True)
    environment.filters["to_json"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    return environment.get_template(template).render({**defaults, **variables})


def test_playbooks_are_what_the_guide_names():
    assert PLAYBOOKS == ["decommission.yml", "provision.yml", "rollback.yml", "update.yml"]


def test_syntax_of_all_playbooks():
    done = ansible("ansible-playbook", "--syntax-check", "-i", "inventory.example", *PLAYBOOKS)
    assert done.returncode == 0, done.stderr


def test_linter_at_its_strictest_finds_nothing():
    done = ansible("ansible-lint", "--offline", "--nocolor", "--profile", "production", *PLAYBOOKS,
                   "roles/tranquillo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failure(s), 0 warning(s)" in done.stderr + done.stdout


@pytest.mark.parametrize("settings", [
    MINIMAL,
    {**MINIMAL, "sensors": {"adc": "sim:ads1115", "gsr": {"circuit": "grove", "supply_v": 3.3},
                            "temperature": {}}},
    {**MINIMAL, "program": {"style": "auto", "self_rating": True, "minutes": 30}},
    {**MINIMAL, "telemetry": {"broker_host": "b.example", "outcome_tls": {"ca": "/a"},
                              "tls": {"ca": "/a", "certificate": "/b", "key": "/c"}}},
])
def test_configuration_from_variables_is_what_was_meant(tmp_path, settings):
    import tomllib

    path = tmp_path / "tranquillo.toml"
    path.write_text(render("tranquillo.toml.j2", tranquillo_all_settings=settings), encoding="utf-8")
    assert tomllib.loads(path.read_text()) == settings
    assert load(path).unit_id == "unit-07"


@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nftables and root")
@pytest.mark.parametrize("variables", [
    {},
    {"tranquillo_apt": "none", "tranquillo_broker_host": "b.example"},
    {"tranquillo_broker_host": "b.example", "tranquillo_broker_addresses": ["192.0.2.1", "2001:db8::1"],
     "tranquillo_ssh_sources": ["192.0.2.0/24"], "tranquillo_dns_addresses": ["192.0.2.2"],
     "tranquillo_ntp_addresses": ["2001:db8::2"]},
])
def test_firewall_rules_are_valid(tmp_path, variables):
    path = tmp_path / "rules.nft"
    path.write_text(render("nftables.conf.j2", **variables))
    done = subprocess.run(["unshare", "--net", "nft", "--check", "--file", path], capture_output=True,
                          text=True, check=False)
    if done.returncode and "not permitted" in done.stderr:
        pytest.skip("needs root")
    assert done.returncode == 0, done.stderr


def test_firewall_lets_in_ssh_and_out_what_is_named_only():
    rules = render("nftables.conf.j2", tranquillo_apt="none", tranquillo_broker_host="b.example",
                   tranquillo_broker_addresses=["192.0.2.1"], tranquillo_ssh_sources=["192.0.2.0/24"])
    accepted = {line.strip() for line in rules.splitlines() if "dport" in line and "accept" in line}
    assert accepted == {
        "udp sport 67 udp dport 68 accept", "udp sport 547 udp dport 546 accept",
        "udp sport 68 udp dport 67 accept", "udp sport 546 udp dport 547 accept",
        "ip saddr { 192.0.2.0/24 } tcp dport 22 accept", "meta l4proto { tcp, udp } th dport 53 accept",
        "udp dport 123 accept", "ip daddr { 192.0.2.1 } tcp dport 8883 accept"}
    assert rules.count("policy drop") == 3


@pytest.mark.parametrize(("board", "more", "lines"), [
    ("pi3", {}, ["dtparam=audio=on"]),
    ("pi4", {"tranquillo_wifi": False}, ["dtparam=audio=on", "dtoverlay=disable-wifi"]),
    ("pi5", {}, ["dtparam=audio=off"]),
    ("zero2w", {"tranquillo_sound_overlay": "some-dac"}, ["dtparam=audio=off", "dtoverlay=some-dac"]),
])
def test_boot_settings_of_each_board(board, more, lines):
    text = render("config.txt.j2", tranquillo_board_found=board, **more).splitlines()
    for line in ("dtparam=i2c_arm=on", "dtparam=i2c_arm_baudrate=400000", "dtparam=spi=on",
                 "dtoverlay=disable-bt", *lines):
        assert line in text
    assert sum(line.startswith("dtparam=audio=") for line in text) == 1


def test_sshd_takes_keys_only():
    text = render("sshd.conf.j2")
    for line in ("PasswordAuthentication no", "KbdInteractiveAuthentication no",
                 "PermitRootLogin prohibit-password"):
        assert line in text.splitlines()
