"""The support bundle: what is in it, who may read it, and that planted secrets are not in it."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest
from support.certificates import Authority

from device.config import Loudness, Player, Simulator, Telemetry
from device.doctor.bundle import contents, write_bundle
from device.doctor.examine import examine
from device.doctor.heard import gather
from device.doctor.masked import MASK, masked
from device.doctor.redact import Redactor, names_of
from device.doctor.scene import Answer
from device.doctor.status import status_of
from device.messages import Fault, Health, Severity

OUTCOME_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
JOURNAL = f"""2026-11-21T17:48:27+0000 tranquillo-telemetry[811]: fault broker_unreachable (info): waits
2026-11-21T17:48:28+0000 tranquillo-telemetry[811]: [Errno 111] ('10.11.12.13', 8883) broker.st-anna.example
2026-11-21T17:48:29+0000 tranquillo-telemetry[811]: outcome {OUTCOME_ID} dropped
2026-11-21T17:48:30+0000 tranquillo-headset[812]: /dev/serial/by-id/usb-FTDI_FT231X_DM0258ZB-if00-port0 lost
2026-11-21T17:48:31+0000 tranquillo-player[813]: wlan0 b8:27:eb:12:34:56 on "Station 7" of annas-pi3
2026-11-21T17:48:32+0000 tranquillo-player[813]: -----BEGIN PRIVATE KEY-----
2026-11-21T17:48:32+0000 tranquillo-player[813]: MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7
2026-11-21T17:48:32+0000 tranquillo-player[813]: -----END PRIVATE KEY-----
2026-11-21T17:48:33+0000 tranquillo-player[813]: still here
"""


@pytest.fixture
def planted(stage, tmp_path):
    """A unit full of secrets: returns the bundle's files and what must be in none of them."""
    tls = Authority(tmp_path).issue("ward-3")
    stage.file("/etc/hostname", "annas-pi3\n")
    stage.file("/etc/NetworkManager/system-connections/Station 7.nmconnection",
               "ssid=Station 7\npsk=sesame7\n")
    stage.file("/proc/device-tree/serial-number", "10000000a1b2c3d4\0")
    stage.file("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    (stage.root / "opt/tranquillo/releases/0.1.0").mkdir(parents=True)
    (stage.root / "opt/tranquillo/releases/0.2.0").mkdir()
    (stage.root / "opt/tranquillo/current").symlink_to("releases/0.2.0")
    stage.change(telemetry=Telemetry(broker_host="broker.st-anna.example", tls=tls),
                 simulator=Simulator(patient="/data/patient-of-room-3"))
    stage.programs = {"journalctl": Answer(JOURNAL, 0), "systemctl": Answer("Id=tranquillo.target\n", 0)}
    stage.units = {"sensors": {"ActiveState": "active"}}
    fault = Fault(code="broker_unreachable", severity=Severity.INFO,
                  advice="no answer from broker.st-anna.example (10.11.12.13)")
    health = Health(at_s=1.0, service="telemetry", uptime_s=5.0, late_steps=0, faults=(fault,))
    stage.heard = gather([health], 1.0)
    scene = stage.scene()
    redactor = Redactor(names_of(stage.root, "annas-pi3", "broker.st-anna.example"))
    status = status_of(scene.settings, scene.heard, scene.units, scene.root)
    key = Path(tls.key).read_text(encoding="utf-8").splitlines()[1]
    secrets = ["10.11.12.13", "st-anna", OUTCOME_ID, "DM0258ZB", "b8:27:eb", "Station 7", "sesame7",
               "annas-pi3", "MIIEvQ", "PRIVATE KEY", key, "10000000a1b2c3d4", "patient-of-room-3",
               str(tls.key)]
    families = ("services", "models", "storage", "machine", "clock", "sound")
    return contents(scene, examine(scene, families), status, redactor), secrets


def test_bundle_holds_no_planted_secret(planted):
    files, secrets = planted
    for name, text in files.items():
        for secret in secrets:
            assert secret.lower() not in text.lower(), f"{secret} in {name}"


def test_bundle_holds_what_helps(planted):
    files, _ = planted
    assert json.loads(files["doctor.json"])["results"]
    assert json.loads(files["status.json"])["release"] == "0.2.0"
    assert json.loads(files["configuration.json"])["sensors"]["gsr"]["reference_ohm"] == 47_000
    assert json.loads(files["versions.json"])["board"].startswith("Raspberry Pi 4")
    assert files["releases.txt"] == "   0.1.0\n-> 0.2.0\n"
    assert "fault broker_unreachable (info): waits" in files["journal.txt"]
    assert "still here" in files["journal.txt"]
    assert files["units.txt"].startswith("Id=tranquillo.target")
    for line in files["README.txt"].splitlines()[2:9]:
        assert line.split()[0] in files


def test_bundle_file_is_for_its_owner_only_and_never_overwritten(planted, tmp_path):
    files, _ = planted
    path = tmp_path / "b.tar.gz"
    write_bundle(path, files)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        assert {entry.name for entry in archive} == {f"tranquillo-support/{name}" for name in files}
        assert {entry.mode for entry in archive} == {0o600}
        assert archive.extractfile("tranquillo-support/journal.txt").read().decode() == files["journal.txt"]
    with pytest.raises(FileExistsError):
        write_bundle(path, files)


def test_bundle_without_systemd_says_so(stage):
    scene = stage.scene()
    files = contents(scene, examine(scene, ()), status_of(scene.settings, scene.heard, {}, scene.root),
                     Redactor(()))
    assert files["journal.txt"] == "there is no journal\n"
    assert files["units.txt"] == "systemd does not run this machine\n"
    assert files["releases.txt"] == "no releases\n"


def test_masked_hides_keys_here_and_names_outside(stage):
    from device.config import Tls

    stage.change(telemetry=Telemetry(broker_host="b.example", tls=Tls(ca="/ca", certificate="/c", key="/k")),
                 player=Player(record="/x.wav", loudness=Loudness(ceiling_dba=50)))
    here, outside = masked(stage.settings), masked(stage.settings, for_outside=True)
    assert here["telemetry"]["tls"] == {"ca": "/ca", "certificate": "/c", "key": MASK}
    assert here["telemetry"]["broker_host"] == "b.example"
    assert outside["telemetry"]["broker_host"] == outside["player"]["record"] == MASK
    assert outside["simulator"]["faults"] == ""
    assert outside["player"]["loudness"]["ceiling_dba"] == 50
