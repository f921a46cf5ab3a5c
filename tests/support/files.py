"""Which files a machine has, to tell what a playbook leaves behind."""

from __future__ import annotations

import re

from support.container import Container

LIST = "find / -xdev -type d -printf '%p/\\n' -o -printf '%p\\n'"
# What any machine writes as it runs, whatever is done to it.
OWN_LIFE = re.compile(
    r"^/(proc|sys|dev|run|tmp|var/tmp|var/log/journal|var/cache/(ldconfig|debconf)"
    r"|var/lib/systemd/(timers|random-seed|timesync|linger|catalog|coredump|deb-systemd-helper-enabled/timers)"
    r")(/|$)|/__pycache__(/|$)|\.pyc$|^/root/\.(ansible|cache)(/|$)|^/var/lib/private(/|$)"
    r"|^/var/log/(wtmp|btmp|lastlog|README)$|^/etc/\.pwd\.lock$")


def list_files(machine: Container) -> set[str]:
    """Return the paths of everything on a machine's disk but what any machine writes as it runs."""
    return {path for path in machine.run(LIST).splitlines() if not OWN_LIFE.search(path)}


def changed_files(before: set[str], after: set[str]) -> set[str]:
    """Return what has come (`+ PATH`) or gone (`- PATH`)."""
    return {f"+ {path}" for path in after - before} | {f"- {path}" for path in before - after}
