"""Parts from the host's own kernel, modules and busybox, for distributions without supported packages."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.engine.demo.parts import Parts, is_static_x86
from workbench.errors import HostError

BUSYBOXES = ("bin/busybox.static", "usr/bin/busybox.static", "bin/busybox", "usr/bin/busybox", "usr/sbin/busybox")

HINT = """set a kernel and an initramfs in a profile:
[boot] kernel = "/path/to/vmlinuz"
[boot] initrd = "/path/to/initrd.img\""""


def host_parts(root: Path = Path("/"), release: str = "") -> Parts:
    """Find the parts on this host.

    :param release: the kernel's release; the running one if empty.
    :raise HostError: if the kernel cannot be read, or there is no static busybox.
    """
    release = release or os.uname().release
    trees = [root / "lib/modules" / release, root / "usr/lib/modules" / release]
    kernels = [root / "boot" / f"vmlinuz-{release}", *(tree / "vmlinuz" for tree in trees), root / "boot/vmlinuz"]
    kernel = next((path for path in kernels if os.access(path, os.R_OK, effective_ids=True) and path.is_file()), None)
    tree = next((path for path in trees if os.access(path, os.R_OK, effective_ids=True) and path.is_dir()), None)
    busybox = next((path for name in BUSYBOXES if _is_usable(path := root / name)), None)
    lacking = [
        what
        for what, found in (
            (f"a readable kernel ({kernels[0]})", kernel),
            (f"its modules ({trees[0]})", tree),
            ("a static busybox", busybox),
        )
        if found is None
    ]
    if kernel is None or tree is None or busybox is None:
        raise HostError(f"cannot build the demo guest: this host lacks {', '.join(lacking)}", hint=HINT)
    return Parts(kernel, tree, busybox, origin=f"this host's kernel {release} and {busybox}")


def _is_usable(path: Path) -> bool:
    try:
        return is_static_x86(path.read_bytes())
    except OSError:
        return False
