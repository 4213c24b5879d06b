"""The demo guest: a distribution's kernel and a small initramfs, built without root and without installing packages.

::

    packages.py   Debian and Ubuntu: kernel, modules and busybox downloaded and unpacked, nothing installed
    host.py       other distributions: the host's own kernel, modules and busybox
    modules.py    which modules the guest loads, in which order
    initramfs.py  the archive (cpio "newc", gzip) from busybox, the modules and the scripts in guest/
    cache.py      find and build a complete guest
"""

from __future__ import annotations

from workbench.engine.demo.cache import DemoGuest, build, find

CMDLINE = "console=ttyS0 panic=-1"
"""The demo guest's kernel command line: console on the first serial port, and an immediate reboot after a panic (which
ends QEMU with ``-no-reboot``)."""

READY = "workbench demo guest ready"
"""Start of the line that the guest prints on its serial console when it is up."""

__all__ = ["CMDLINE", "READY", "DemoGuest", "build", "find"]
