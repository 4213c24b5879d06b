"""Queries the types and properties of the installed QEMU, without a machine, and caches them for each build."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.command_line.clashes import argument_clashes
from workbench.domain.command_line.qemu_build import Build, build_problems, types_of
from workbench.engine.host.qemu import qemu_version
from workbench.engine.storage.files import write_atomic
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile

DEADLINE = 20.0
"""Seconds that a QEMU without a machine may take to answer everything; normally 50 ms."""
ARGUMENTS = ("-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S", "-qmp", "stdio")
_PREFIX = "qemu-build-"


class BuildReader:
    """Types and properties of one QEMU program, queried as needed."""

    def __init__(self, binary: str, cache: Path) -> None:
        """:raise HostError: if the program cannot be inspected."""
        self._binary = binary
        try:
            found = os.stat(binary)
        except OSError as error:
            raise HostError(f"{binary}: {error.strerror}") from error
        identity = (os.path.realpath(binary), found.st_size, found.st_mtime_ns, found.st_ino)
        self._file = cache / f"{_PREFIX}{hashlib.sha256(repr(identity).encode()).hexdigest()[:24]}.json"
        self.version = ".".join(map(str, qemu_version(binary, cache)))
        self._build = self._kept()

    def problems(self, profiles: Iterable[LoadedProfile]) -> dict[str, tuple[Problem, ...]]:
        """What each profile needs and this QEMU lacks, by the profile's path; queries QEMU once for all profiles.

        :raise HostError: if QEMU cannot be queried.
        """
        sound = [(loaded, loaded.partial, self._parts(loaded, loaded.partial)) for loaded in profiles if loaded.partial]
        build = self._build or self._ask(())
        wanted = {one for _, profile, parts in sound for one in types_of(profile, parts, build)}
        if wanted:
            build = self._ask(sorted(wanted))
        if not build.types and any(names is None for names in build.properties.values()):
            build = self._ask_names(build)
        found = {}
        for loaded, profile, parts in sound:
            problems = [
                loaded.parsed.problem(loaded.file, path, message)
                for path, message in (*build_problems(profile, parts, build), *argument_clashes(parts))
            ]
            found[str(loaded.path)] = tuple(sorted(set(problems)))
        return found

    def _parts(self, loaded: LoadedProfile, profile: GuestProfile) -> tuple[ArgvPart, ...]:
        """The command line for its types and properties; the paths in it do not matter here."""
        version = tuple(map(int, self.version.split(".")[:2]))
        launch = Launch(self._binary, "/", "tcg", (version[0], version[1]), base=str(loaded.path.parent))
        return argv_parts(profile, launch)

    def _ask(self, types: Sequence[tuple[str, str]]) -> Build:
        """Query these types, and everything else on the first call."""
        questions: list[tuple[str, dict[str, str]]] = []
        if self._build is None:
            questions += [("query-machines", {}), ("query-cpu-definitions", {})]
        command = {"device": "device-list-properties", "object": "qom-list-properties"}
        general = len(questions)
        questions += [(command[kind], {"typename": name}) for kind, name in types]
        try:
            answers = converse(self._binary, questions)
        except HostError:
            # A type whose module is missing can crash the QEMU that is queried for it (7.2: virtio-gpu-gl-pci). Query
            # one by one; that type is skipped.
            answers = converse(self._binary, questions[:general]) if general else []
            types = [one for one, question in zip(types, questions[general:], strict=True) if self._survives(question)]
            answers += converse(self._binary, [(command[kind], {"typename": name}) for kind, name in types])
        if self._build is None:
            machines, cpus = (answer.get("return", []) for answer in answers[:2])
            answers = answers[2:]
            boards = {
                name: f"{one['name']}-machine" for one in machines for name in (one["name"], one.get("alias")) if name
            }
            self._build = Build(self.version, boards, {one["name"]: one["typename"] for one in cpus})
        asked = {
            name: frozenset(one["name"] for one in answer["return"]) if "return" in answer else None
            for (_, name), answer in zip(types, answers, strict=True)
        }
        self._build = replace(self._build, properties={**self._build.properties, **asked})
        self._keep(self._build)
        return self._build

    def _ask_names(self, build: Build) -> Build:
        """Add the names of all types, to suggest the closest one for an unknown type."""
        bases = {"device": "device", "object": "user-creatable"}
        with suppress(HostError):  # then no name is suggested
            answers = converse(self._binary, [("qom-list-types", {"implements": base}) for base in bases.values()])
            names = (tuple(sorted(one["name"] for one in answer.get("return", ()))) for answer in answers)
            self._build = build = replace(build, types=dict(zip(bases, names, strict=True)))
            self._keep(build)
        return build

    def _survives(self, question: tuple[str, dict[str, str]]) -> bool:
        try:
            converse(self._binary, [question])
        except HostError:
            return False
        return True

    def _kept(self) -> Build | None:
        try:
            kept = json.loads(self._file.read_bytes())
            properties = {
                name: None if names is None else frozenset(map(str, names))
                for name, names in kept["properties"].items()
            }
            types = {kind: tuple(map(str, names)) for kind, names in kept["types"].items()}
            return Build(self.version, dict(kept["machines"]), dict(kept["cpus"]), properties, types)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # it is queried again

    def _keep(self, build: Build) -> None:
        properties = {name: None if names is None else sorted(names) for name, names in build.properties.items()}
        kept = {
            "machines": dict(build.machines),
            "cpus": dict(build.cpus),
            "properties": properties,
            "types": dict(build.types),
        }
        with suppress(OSError):  # on a full disk it is only queried again
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._file, json.dumps(kept, separators=(",", ":")), lasting=False)


def converse(binary: str, questions: Sequence[tuple[str, dict[str, str]]]) -> list[dict[str, Any]]:
    """The answers of a QEMU without a machine, in the order of the questions.

    :raise HostError: if it does not answer all of them.
    """
    commands = [("qmp_capabilities", {}), *questions, ("quit", {})]
    lines = "".join(
        json.dumps({"execute": name, "arguments": arguments, "id": index}) + "\n"
        for index, (name, arguments) in enumerate(commands)
    )
    try:
        done = subprocess.run(
            [binary, *ARGUMENTS], input=lines, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"cannot query {binary}: {error}") from error
    answers: dict[int, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict) and isinstance(value.get("id"), int):
                answers[value["id"]] = value
    found = [answers[index] for index in range(1, len(questions) + 1) if index in answers]
    if len(found) != len(questions):
        words = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise HostError(f"{binary} did not answer all queries: {words[0]}")
    return found
