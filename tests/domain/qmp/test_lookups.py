"""Which arguments name something that the guest has."""

from __future__ import annotations

import pytest

from workbench.domain.qmp.lookups import Kind, Lookup, lookups


@pytest.mark.parametrize(
    ("command", "path", "kind"),
    [
        ("chardev-add", "backend.data.chardev", Kind.CHARDEV),
        ("netdev_add", "chardev", Kind.CHARDEV),
        ("device_add", "chardev", Kind.CHARDEV),
        ("object-add", "netdev", Kind.NETDEV),
        ("device_add", "netdev", Kind.NETDEV),
        ("device_add", "iothread", Kind.OBJECT),
        ("x-blockdev-set-iothread", "iothread", Kind.OBJECT),
        ("nbd-server-start", "tls-creds", Kind.OBJECT),
        ("change-backing-file", "image-node-name", Kind.NODE),
        ("migrate-set-parameters", "block-bitmap-mapping.0.node-name", Kind.NODE),
        ("transaction", "actions.0.data.device", Kind.NODE),
        ("announce-self", "interfaces.0", Kind.NET),
        ("device-list-properties", "typename", Kind.DRIVER),
        ("qom-get", "path", Kind.CHILD),
        ("qom-list-get", "paths.0", Kind.CHILD),
        ("query-stats", "vcpus.1", Kind.CHILD),
        ("x-query-virtio-queue-status", "path", Kind.CHILD),
        ("set-numa-node", "memdev", Kind.OBJECT),
        # Files of the host.
        ("chardev-add", "backend.data.addr.data.path", None),
        ("blockdev-add", "path", None),
        ("nbd-server-start", "addr.data.path", None),
    ],
)
def test_what_the_guest_is_asked_for(command: str, path: str, kind: Kind | None) -> None:
    asked = [lookup.kind for lookup in lookups(command, tuple(path.split(".")), {}, "/")]
    assert asked[:1] == ([kind] if kind is not None else [])


def test_buses_are_asked_for_with_the_driver_that_is_to_go_there() -> None:
    assert lookups("device_add", ("bus",), {"driver": "scsi-hd"}, "") == (Lookup(Kind.BUS, "scsi-hd"),)
