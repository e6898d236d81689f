"""A Debian kernel under qemu whose root is this machine's, read only: real USB gadgets, real hot-plug, real input events, a display driven by DRM.

The kernel's package and busybox are fetched by apt-get once and kept in a cache (KIOSK_KERNEL_CACHE, else the user's). The
initramfs holds busybox and the modules alone; everything else (Python, the tests) is this machine's over 9p.
"""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

MODULES = (
    "virtio_pci", "9pnet_virtio", "9p",
    "dummy_hcd", "libcomposite", "usb_f_hid", "usb_f_acm", "usb_f_printer",
    "usbhid", "hid-generic", "evdev", "uinput", "usblp", "cdc-acm", "sch_netem", "bochs",
)  # fmt: skip
BOOT_S = 900
"""Emulated (TCG) on purpose: nested KVM hangs in the BIOS on machines that offer /dev/kvm and cannot keep it. Boot: 5 s."""
DONE = re.compile(r"^DRILL ENDED WITH (\d+)", re.MULTILINE)


class Missing(Exception):
    """What this machine lacks, and how to get it."""


def cache() -> Path:
    """Return where kernel and busybox are kept."""
    place = os.environ.get("KIOSK_KERNEL_CACHE") or Path.home() / ".cache/coupon-kiosk/kernel"
    Path(place).mkdir(parents=True, exist_ok=True)
    return Path(place)


def fetch() -> Path:
    """Return a folder with the unpacked packages; Missing says what cannot be had."""
    if shutil.which("qemu-system-x86_64") is None:
        raise Missing("there is no qemu-system-x86_64 here: apt-get install qemu-system-x86")
    if shutil.which("tc") is None:
        raise Missing("there is no tc here, which makes networks bad: apt-get install iproute2")
    kept = cache() / "modules"
    if kept.is_file() and kept.read_text() == " ".join(MODULES):
        return cache() / "root"
    told = _run("apt-cache", "depends", "linux-image-amd64")
    names = re.findall(r"Depends: (linux-image-\d\S+)", told)
    if not names:
        raise Missing(
            "apt-cache knows no linux-image-amd64: apt-get update, on a Debian of this machine's kind"
        )
    _run("apt-get", "download", names[0], "busybox-static", cwd=cache())
    for package in cache().glob("*.deb"):
        _run("dpkg", "-x", str(package), str(cache() / "root"))
        package.unlink()
    _keep_what_is_used(cache() / "root")
    kept.write_text(" ".join(MODULES))
    return cache() / "root"


def _keep_what_is_used(root: Path) -> None:
    """Throw away the modules that are not loaded: 400 MB become 20."""
    used = set(ordered(root))
    for module in root.glob("lib/modules/*/kernel/**/*.ko"):
        if module not in used:
            module.unlink()
    shutil.rmtree(root / "usr", ignore_errors=True)


def _run(*words: str, cwd: Path | None = None) -> str:
    try:
        return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True, timeout=300).stdout
    except (OSError, subprocess.SubprocessError) as err:
        raise Missing(f"{words[0]} {words[1]} does not work here: {err}") from err


def ordered(root: Path) -> list[Path]:
    """Return the modules in the order in which they can be loaded."""
    files = {p.stem.replace("-", "_"): p for p in root.glob("lib/modules/*/kernel/**/*.ko")}
    done: list[Path] = []

    def add(name: str) -> None:
        if (found := files.get(name.replace("-", "_"))) is None:
            return  # built into the kernel
        depends = re.search(rb"\0depends=([^\0]*)\0", found.read_bytes())
        for other in (depends[1].decode() if depends else "").split(","):
            if other:
                add(other)
        if found not in done:
            done.append(found)

    for name in MODULES:
        add(name)
    return done


def initramfs(root: Path, command: str, out: Path) -> None:
    """Write busybox, the modules and the script that loads them, changes root and runs a command."""
    files = ordered(root)
    loads = "\n".join(f"insmod /m/{f.name} || echo cannot load {f.name}" for f in files)
    init = f"""#!/bin/sh
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
{loads}
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host || echo no root
mount -t configfs none /sys/kernel/config
for d in proc sys dev; do mount --rbind /$d /host/$d; done
mount -t tmpfs none /host/run
mkdir -p /host/dev/pts /host/dev/shm; mount -t devpts none /host/dev/pts; mount -t tmpfs none /host/dev/shm
ip link set lo up
chroot /host /bin/sh -c {shlex.quote(command)}
echo "DRILL ENDED WITH $?"
poweroff -f
"""
    entries: list[tuple[str, int, bytes]] = [
        *[(d, 0o040755, b"") for d in ("bin", "m", "proc", "sys", "dev", "host")],
        ("bin/busybox", 0o100755, (root / "bin/busybox").read_bytes()),
        *[(f"bin/{n}", 0o120777, b"busybox") for n in ("sh", "mount", "insmod", "mkdir", "ip", "chroot", "echo", "poweroff")],
        *[(f"m/{f.name}", 0o100644, f.read_bytes()) for f in files],
        ("init", 0o100755, init.encode()),
    ]  # fmt: skip
    out.write_bytes(gzip.compress(_cpio(entries), 1))


def _cpio(entries: list[tuple[str, int, bytes]]) -> bytes:
    """Pack entries as a cpio archive of the form "newc" (cpio(5))."""
    raw = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        raw += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        raw += b"\0" * (-len(raw) % 4)
        raw += data
        raw += b"\0" * (-len(raw) % 4)
    return bytes(raw)


def boot(command: str, scratch: Path) -> tuple[int, str]:
    """Boot, run a command as root, and return its exit code with all that was printed."""
    root = fetch()
    initramfs(root, command, scratch / "initramfs.gz")
    kernel = sorted((root / "boot").glob("vmlinuz-*"))[-1]
    words = [
        "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "1024", "-smp", "2",
        "-nographic", "-vga", "std", "-no-reboot", "-net", "none", "-kernel", str(kernel), "-initrd", str(scratch / "initramfs.gz"),
        "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
        "-append", "console=ttyS0 quiet panic=-1 oops=panic",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=BOOT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as err:
        return -1, f"not done within {BOOT_S} s\n{(err.stdout or b'').decode(errors='replace')}"
    found = DONE.search(done.stdout.replace("\r", ""))
    return (int(found[1]) if found else -1), done.stdout + done.stderr


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        code, told = boot(" ".join(sys.argv[1:]), Path(folder))
    print(told)
    sys.exit(code)
