#!/bin/sh
# Installs the kiosk or the hub from this source tree on Debian 12/13 or Raspberry Pi OS (64 bit).
#
#   deploy/install.sh kiosk            install or update; a second run changes only what differs
#   deploy/install.sh hub              the same for the hub
#   deploy/install.sh kiosk --dry-run  say what would be done and do nothing
#   deploy/install.sh kiosk --undo     take it away again; settings and data stay
#   deploy/install.sh kiosk --root DIR put the files of systemd under DIR and do nothing else (for images)
#
# Exit codes: 0 done, 2 usage or a machine that does not fit, 4 a step failed; run it again when that is mended.
set -eu
umask 022

SOURCE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
ROOT=
DRY=
UNDO=
CHANGED=0

say() { printf '%s\n' "$*"; }
stop() { printf 'install.sh: %s\n' "$2" >&2; exit "$1"; }

# Run a command that changes the machine, or say it.
run() {
	say "+ $*"
	[ -n "$DRY" ] || "$@" || stop 4 "that failed: $*"
}

# Install one file when it differs: SOURCE TARGET MODE.
put() {
	if cmp -s "$1" "$ROOT$2"; then return; fi
	CHANGED=1
	run install -D -m "$3" "$1" "$ROOT$2"
}

# Install one file when there is none: settings are never written over.
seed() {
	[ -e "$ROOT$2" ] || put "$1" "$2" "$3"
}

# Link TARGET at NAME when it is not linked yet; what somebody else put there stays.
link() {
	[ "$(readlink "$ROOT$2" || true)" != "$1" ] || return 0
	if [ -e "$ROOT$2" ]; then say "$2 is not ours and stays; call $1 by its whole name."; return 0; fi
	CHANGED=1
	run mkdir -p "$(dirname "$ROOT$2")"
	run ln -sf "$1" "$ROOT$2"
}

remove() {
	if [ -e "$ROOT$1" ] || [ -L "$ROOT$1" ]; then CHANGED=1; run rm -rf "$ROOT$1"; fi
}

unlink_ours() {
	[ "$(readlink "$ROOT$2" || true)" != "$1" ] || remove "$2"
}

usage() {
	sed -n '4,8s/^# \{0,3\}//p' "$0" >&2
	exit 2
}

read_words() {
	[ $# -ge 1 ] || usage
	case $1 in
	kiosk) UNIT=kiosk LOCK=kiosk COMMANDS="kiosk kiosk-posters" SETTINGS=kiosk.toml ;;
	hub) UNIT=kiosk-hub LOCK=demo COMMANDS="kiosk-hub" SETTINGS=hub.toml ;;
	*) usage ;;
	esac
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--dry-run) DRY=1 ;;
		--undo) UNDO=1 ;;
		--root)
			if [ $# -lt 2 ] || [ ! -d "$2" ]; then stop 2 "--root names no directory; make it first."; fi
			ROOT=${2%/}
			shift
			;;
		*) usage ;;
		esac
		shift
	done
	PLACE=/opt/$UNIT
}

check_machine() {
	[ -z "$ROOT" ] || return 0
	[ -n "$DRY" ] || [ "$(id -u)" -eq 0 ] || stop 2 "only root can install; run it with sudo, or look with --dry-run."
	[ -d /run/systemd/system ] || [ -n "$DRY" ] || stop 2 "systemd is not running here; use --root DIR to prepare an image."
	python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
		stop 2 "Python 3.11, 3.12 or 3.13 is needed; Debian 12 and 13 have it."
	case $(uname -m) in
	aarch64 | x86_64) ;;
	*) stop 2 "$(uname -m) has no ready-made packages; install a 64-bit system." ;;
	esac
}

install_files() {
	put "$SOURCE/systemd/$UNIT.service" "/etc/systemd/system/$UNIT.service" 644
	put "$SOURCE/systemd/$UNIT.sysusers.conf" "/etc/sysusers.d/$UNIT.conf" 644
	put "$SOURCE/systemd/$UNIT.tmpfiles.conf" "/etc/tmpfiles.d/$UNIT.conf" 644
	if [ "$UNIT" = kiosk ]; then
		put "$SOURCE/systemd/kiosk.modules.conf" /etc/modules-load.d/kiosk.conf 644
		put "$SOURCE/systemd/60-kiosk.rules" /etc/udev/rules.d/60-kiosk.rules 644
		put "$SOURCE/systemd/kiosk-screen.service" /etc/systemd/system/kiosk-screen.service 644
	fi
	for command in $COMMANDS; do
		link "$PLACE/bin/$command" "/usr/local/bin/$command"
	done
	seed "$SOURCE/deploy/$SETTINGS" "/etc/$UNIT/$SETTINGS" 640
}

install_packages() {
	needs="python3-venv"
	# libusb serves usb:// printers.
	[ "$UNIT" != kiosk ] || needs="$needs libusb-1.0-0"
	# The library of the pins; its wheels are too new for Debian 12. Raspberry Pi OS has it, Debian 12 on a PC has no pins.
	if [ "$UNIT" = kiosk ] && apt-cache show python3-lgpio >/dev/null 2>&1; then needs="$needs python3-lgpio"; fi
	for package in $needs; do
		dpkg -s "$package" >/dev/null 2>&1 || run apt-get install -y -q --no-install-recommends "$package"
	done
}

# What was installed; the stamp is written when all has taken effect, so that a run that failed is done again.
fingerprint() {
	(cd "$SOURCE" && find hub kiosk posters simulators systemd ui pyproject.toml "requirements/$LOCK.txt" -type f \
		! -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64)
}

install_environment() {
	if [ "$(cat "$PLACE/made-from" 2>/dev/null || true)" = "$(fingerprint)" ]; then return; fi
	CHANGED=1
	pip="$PLACE/bin/python -m pip install --quiet --disable-pip-version-check --no-input"
	work=$(mktemp -d)
	# A build leaves its traces beside what it builds; that must not be this tree.
	run cp -R "$SOURCE/hub" "$SOURCE/kiosk" "$SOURCE/posters" "$SOURCE/simulators" "$SOURCE/ui" \
		"$SOURCE/pyproject.toml" "$SOURCE/README.md" "$SOURCE/LICENSE" "$work"
	run python3 -m venv --system-site-packages "$PLACE"
	run $pip --ignore-installed --require-hashes --only-binary :all: -r "$SOURCE/requirements/$LOCK.txt"
	run $pip --force-reinstall --no-deps --no-index --no-build-isolation "$work"
	rm -rf "$work"
}

take_effect() {
	[ "$CHANGED" -eq 1 ] || return 0
	run rm -f "$PLACE/made-from"
	run systemd-sysusers
	run systemd-tmpfiles --create "/etc/tmpfiles.d/$UNIT.conf"
	run systemctl daemon-reload
	if [ "$UNIT" = kiosk ]; then
		run systemctl restart systemd-modules-load
		# A container has no udev of its own.
		if [ -S /run/udev/control ]; then
			run udevadm control --reload
			run udevadm trigger
		fi
	fi
	run systemctl try-restart "$UNIT"
	[ -n "$DRY" ] || fingerprint >"$PLACE/made-from"
}

undo() {
	if [ -z "$ROOT" ] && [ -e "/etc/systemd/system/$UNIT.service" ]; then run systemctl disable --now "$UNIT"; fi
	for command in $COMMANDS; do
		unlink_ours "$PLACE/bin/$command" "/usr/local/bin/$command"
	done
	remove "/etc/systemd/system/$UNIT.service"
	remove "/etc/sysusers.d/$UNIT.conf"
	remove "/etc/tmpfiles.d/$UNIT.conf"
	if [ "$UNIT" = kiosk ]; then
		remove /etc/modules-load.d/kiosk.conf
		remove /etc/udev/rules.d/60-kiosk.rules
		if [ -z "$ROOT" ] && [ -e /etc/systemd/system/kiosk-screen.service ]; then run systemctl disable --now kiosk-screen; fi
		remove /etc/systemd/system/kiosk-screen.service
	fi
	if [ -z "$ROOT" ]; then
		remove "$PLACE"
		[ "$CHANGED" -eq 0 ] || run systemctl daemon-reload
	fi
	say "/etc/$UNIT, /var/lib/$UNIT and the user $UNIT stay: they hold the settings, the journal and the keys."
}

read_words "$@"
check_machine
if [ -n "$UNDO" ]; then
	undo
	exit 0
fi
install_files
if [ -z "$ROOT" ]; then
	install_packages
	install_environment
	take_effect
fi
if [ "$CHANGED" -eq 0 ]; then
	say "nothing to change."
elif [ -z "$ROOT" ]; then
	say "next: edit /etc/$UNIT/$SETTINGS, then systemctl enable --now $UNIT"
	[ "$UNIT" != kiosk ] || say "a screen on HDMI: apt install cage chromium grim alsa-utils, then systemctl enable --now kiosk-screen"
fi
