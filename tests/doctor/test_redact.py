"""What must not leave the clinic is taken out; what helps is left."""

from __future__ import annotations

import pytest

from device.doctor.redact import Redactor, names_of

PEM = ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIPlantedPlantedPlantedPlantedPlantedPlanted\n"
       "-----END EC PRIVATE KEY-----")


@pytest.mark.parametrize(("text", "secret"), [
    (f"key:\n{PEM}\nafter", "MHcCAQEE"),
    ("-----BEGIN CERTIFICATE-----\nMIIBplanted cut short", "MIIBplanted"),
    ("login with password=hunter2 failed", "hunter2"),
    ('{"passphrase": "four words of sense"}', "four words"),
    ("Authorization: Bearer abc.def.ghi", "abc.def"),
    ("psk=0a1b2c", "0a1b2c"),
    ("token is t0psecret", "t0psecret"),
    ("mqtts://nurse:s3cret@broker:8883", "s3cret"),
    ('associated with SSID "Ward Three Guest"', "Ward Three"),
    ("ssid=StationGuest", "StationGuest"),
    ("wlan0: b8:27:eb:12:34:56 joined", "b8:27:eb"),
    ("link DC-A6-32-AB-CD-EF up", "A6-32"),
    ("connect to 10.20.30.40:8883 timed out", "10.20.30.40"),
    ("from 192.168.1.7", "192.168"),
    ("to fe80::1ff:fe23:4567:890a%wlan0 port 22", "fe80"),
    ("to 2001:db8:0:1::17 port 22", "2001:db8"),
    ("via ::ffff:10.0.0.1 now", "10.0.0.1"),
    ("not valid for 'broker.st-anna.example'", "st-anna"),
    ("resolve mqtt.klinik-nord.de.", "klinik"),
    ("ask ward.it@hospital.org about it", "ward.it"),
    ("outcome 0123456789abcdef0123456789abcdef was refused", "0123456789abcdef"),
    ("boot 5f8e2a4c-1111-4222-8333-123456789abc", "5f8e2a4c"),
    ("Serial: 10000000a1b2c3d4", "a1b2c3d4"),
    ("serial number = DM0258ZB", "DM0258ZB"),
    ("opened /dev/serial/by-id/usb-FTDI_FT231X_DM0258ZB-if00-port0", "DM0258ZB"),
    ("file /home/jdoe/recording", "jdoe"),
    ("key MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7 in one line", "MIIEvQIBAD"),
    ("on annas-pi3 and Annas-Pi3", "nnas-"),
])
def test_redactor_takes_out(text, secret):
    assert secret in text
    cleaned = Redactor({"annas-pi3"}).text(text)
    assert secret not in cleaned
    assert "removed" in cleaned


@pytest.mark.parametrize("text", [
    "2026-11-21T17:48:27+0000 tranquillo-player[4711]: fault no_audio (act_now): plug it in",
    "numpy 1.26.4, lgpio 0.2.2.0, gpiozero 2.0.1.post3, kernel 6.6.51+rpt-rpi-v8",
    "device.services.sensors: a defect ended this process; File device/runtime.py, line 120, in run",
    "the ADS1115 at I2C address 0x48 does not answer as it should",
    "listening on 127.0.0.1 and ::1", "the tokens of the melody", "ssh keys only", "up since 12:30",
    "certificates.unit 337 days", "passed 12 of 12", "deadbeef", "unit ward-3",
])
def test_redactor_leaves_what_helps(text):
    assert Redactor({"annas-pi3", "b"}).text(text) == text


def test_redactor_tree_keeps_keys_and_numbers():
    tree = {"address": ["10.1.1.1", 8883, None, True], "inner": {"says": "at 10.1.1.1"}}
    assert Redactor(()).tree(tree) == {
        "address": ["[removed: address]", 8883, None, True], "inner": {"says": "at [removed: address]"}}


def test_names_of_a_machine_are_found(stage):
    stage.file("/etc/hostname", "annas-pi3\n")
    stage.file("/etc/hosts", "127.0.0.1 localhost\n10.0.0.9 dcserver dcserver.ward # old\n")
    stage.file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                              "anna:x:1000:1000:Anna Blum,,,:/home/anna:/bin/sh\n"
                              "tranquillo-player:x:990:990::/:/usr/sbin/nologin\n")
    stage.file("/etc/NetworkManager/system-connections/Station 7.nmconnection",
               "[connection]\nid=Station 7\n[wifi]\nssid=Guests of 7\n[wifi-security]\npsk=open sesame\n")
    stage.file("/etc/wpa_supplicant/wpa_supplicant.conf", 'network={\n ssid="Old Ward"\n psk="long ago"\n}\n')
    stage.file("/etc/netplan/90.yaml", 'network:\n  wifis:\n    wlan0:\n      access-points:\n'
                                       '        "Plan Net":\n')
    stage.file("/proc/cpuinfo", "processor\t: 0\nSerial\t\t: 10000000a1b2c3d4\nModel\t\t: Raspberry Pi 4\n")
    names = names_of(stage.root, "annas-pi3.ward", "broker.ward")
    assert {"annas-pi3", "annas-pi3.ward", "broker.ward", "dcserver", "anna", "Anna Blum", "Station 7",
            "Guests of 7", "open sesame", "Old Ward", "long ago", "Plan Net", "10000000a1b2c3d4"} <= names
    assert not {"localhost", "root", "tranquillo-player", "old"} & names
