"""What is on a machine's disk, to tell what a playbook leaves behind."""

from __future__ import annotations

import re

from support.container import Container

# Every path; of what is below /etc the content as well.
LIST = ("find / -xdev -type d -printf '%p/\\n' -o -printf '%p\\n'; "
        "find /etc -type f -exec sha256sum {} + | sed -E 's/^(.{12})\\S*  (.*)/\\2 holds \\1/'")
# What any machine writes as it runs, whatever is done to it: volatile folders, the journal, systemd's own
# memory, logins, Python's compiled files, Ansible's scratch folder.
OWN_LIFE = re.compile(
    r"^/(proc|sys|dev|run|tmp|var/tmp|var/log/journal|var/cache/(ldconfig|debconf)"
    r"|var/lib/systemd/(timers|random-seed|timesync|linger|catalog|coredump))(/|$)"
    r"|/__pycache__(/|$)|^/root/\.(ansible|cache)(/|$)|^/var/lib/private(/|$)"
    r"|^/var/log/(wtmp|btmp|lastlog)$|^/etc/ld\.so\.cache|^/etc/machine-id")
# Left by Debian's tools for accounts: a lock, and a copy of each list from before its last change. Groups are
# looked at by name instead (`groups`): those of the buses are Raspberry Pi OS's own and stay.
ACCOUNTS = re.compile(
    r"^/etc/(\.pwd\.lock|(passwd|group|shadow|gshadow|subuid|subgid)-)( |$)|^/etc/g(roup|shadow) holds ")
# Debian's own folders for settings, which are not there until something needs them; left empty.
EMPTY = {"/etc/sysusers.d/", "/etc/systemd/journald.conf.d/", "/etc/systemd/timesyncd.conf.d/",
         "/etc/udev/rules.d/", "/etc/tmpfiles.d/"}


def list_files(machine: Container) -> set[str]:
    """Return everything on a machine's disk but what any machine writes as it runs."""
    lines = machine.run(LIST, seconds=120.0).splitlines()
    return {line for line in lines if not OWN_LIFE.search(line) and not ACCOUNTS.search(line)} - EMPTY


def changed_files(before: set[str], after: set[str]) -> set[str]:
    """Return what has come (`+ PATH`), gone (`- PATH`) or become different (both, with `holds`)."""
    return {f"+ {path}" for path in after - before} | {f"- {path}" for path in before - after}
