"""Import the network cards of a command line with their backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import is_on, whole
from workbench.domain.convert.qemu.placement import boots, name_of, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.command_line.options import Given, Keys
    from workbench.domain.convert.qemu.draft import Draft


ROM_NOTE = 'virtio cards have no option ROM and cannot boot: add "net" to boot.order if they should'


def card(found: Draft, index: int, keys: Keys) -> bool:
    entry: dict[str, Any] = {"backend": "none"}
    netdev = keys.take("netdev")
    indexes = [index]
    name_of(found, keys, entry, "a network card")
    if netdev is not None:
        behind = found.backend("netdev", netdev)
        if behind is None or not _netdev(found.options[behind].keys, entry):
            return False
        indexes.append(behind)
    mac, queues = keys.take("mac"), keys.take("mq")
    if mac is not None:
        entry["mac"] = mac
    vectors = keys.take("vectors")
    if entry.get("queues", 1) is None or (queues is not None and is_on(queues) != (entry.get("queues", 1) > 1)):
        return False
    if vectors is not None and str(vectors) != str(2 * entry.get("queues", 1) + 2):
        return False
    rom, boot = keys.take("romfile"), keys.take("bootindex")
    if rom not in (None, ""):
        return False
    if not place(found, keys, entry.get("id", "a network card"), entry) or keys:
        return False
    found.append("net", entry, indexes)
    boots(found, index, "net", boot)
    if rom is None and boot is None:
        found.notes.append(ROM_NOTE)
    return True


def _netdev(keys: Keys, entry: dict[str, Any]) -> bool:
    """Put a card's backend into its entry; whether a profile has keys for all of it."""
    keys.take("id")
    kind = keys.take("type") or keys.implied
    match kind:
        case "user":
            forwards = keys.lists.get("hostfwd", []) or keys.get("hostfwd") or []
            keys.take("hostfwd")
            entry["backend"] = "user"
            texts = [one["str"] if isinstance(one, dict) else str(one) for one in forwards]
            if texts:
                entry["forward"] = texts
        case "tap":
            if keys.get("helper") and set(keys) <= {"helper", "br"}:
                entry |= {"backend": "bridge", "interface": keys.take("br") or "br0"}
                keys.take("helper")
                return True
            scripts = (keys.take("script"), keys.take("downscript"))
            if scripts != ("no", "no"):
                return False
            entry |= {"backend": "tap", "interface": keys.take("ifname")}
            if queues := keys.take("queues"):
                entry["queues"] = whole(queues)
        case "bridge":
            entry |= {"backend": "bridge", "interface": keys.take("br") or "br0"}
        case "stream":
            address = keys.take("addr") or {"type": keys.take("addr.type"), "path": keys.take("addr.path")}
            if not isinstance(address, dict) or address.get("type") != "unix" or set(address) != {"type", "path"}:
                return False
            entry |= {"backend": "socket", "path": address["path"], "listen": bool(is_on(keys.take("server")))}
        case _:
            return False
    return not keys


def addresses(found: Draft) -> Iterator[str]:
    """Note that cards without a MAC address may get another one: QEMU numbers them in the order of their creation, and those
    in arguments now come first (net/net.c, qemu_macaddr_default_if_unset(); system/vl.c, qemu_create_cli_devices())."""
    cards = found.document.get("net") or []
    ours = [
        index for index, (key, *at) in found.converted.items() if key == "net" and at and "mac" not in cards[int(at[0])]
    ]
    kept = [(index, option) for index, option in found.kept() if _is_card(option)]
    theirs = [index for index, option in kept if not {"mac", "macaddr"} & set(option.keys)]
    if ours and theirs and max(theirs) > min(index for index in ours if found.options[index].name != "netdev"):
        yield (
            "network cards without a MAC address may get another one than before, since QEMU now numbers those in args first: "
            "set mac to keep it"
        )


def _is_card(option: Given) -> bool:
    keys = option.keys
    match option.name:
        case "device":
            return "netdev" in keys
        case "nic":
            return keys.implied != "none"
        case "net":
            return keys.implied == "nic"
    return False


def nic(found: Draft, index: int) -> None:
    """Import ``-nic``: a card and its backend in one option."""
    keys = found.options[index].keys
    if keys.implied == "none" and not keys:
        found.record(("net",), index)
        return
    if keys.take("model") not in ("virtio-net-pci", "virtio"):
        return
    entry: dict[str, Any] = {}
    mac = keys.take("mac")
    if mac is not None:
        entry["mac"] = mac
    name_of(found, keys, entry, "a network card")
    if _netdev(keys, entry):
        found.append("net", entry, [index])
        found.notes.append(ROM_NOTE)
