# Two commands for everybody: make demo, make test. The other tiers are in CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
# Two tests at a time, since half of their time they wait; a load is measured alone. Three are quicker where nothing else runs.
JOBS ?= 2
# pytest ends with 5 when a tier holds no test yet; that is said, and is no failure of the others.
TIER = @$(PY) -m pytest -m $@ -n $(JOBS) $(1) || { code=$$?; [ $$code -eq 5 ] && echo "make $@: nothing yet." || exit $$code; }

.PHONY: demo test lint prove heavy scale bench gallery docs lock chromium judges container kernel
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(PY) -m kiosk demo $(ARGS)

# A test that hangs ends the run after 2 minutes and shows where it stood.
test: $(VENV)/dev.stamp chromium judges lint
	$(PY) -m pytest -n $(JOBS) -o faulthandler_timeout=120 -o faulthandler_exit_on_timeout=true

lint: $(VENV)/dev.stamp
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m ui.catalog check

# The tests of a file share what is costly to start: a kernel, a container.
SPREAD_heavy := --dist loadfile
scale: JOBS := 0
heavy: container kernel
prove heavy scale: $(VENV)/dev.stamp chromium judges
	$(call TIER,$(SPREAD_$@))

bench: $(VENV)/dev.stamp chromium
	$(PY) -m benchmarks

gallery: $(VENV)/dev.stamp chromium
	$(PY) -m simulators.gallery out/gallery

# docs/reference.md and docs/licences.md, from the code and from the lock.
docs: $(VENV)/dev.stamp
	$(PY) -m docs.generate

# requirements/*.txt and wheels.json, from pyproject.toml.
lock:
	$(PYTHON) requirements/lock.py

# The stamp is made last: an install that fails leaves none, and the next make tries again.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	  "make: Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is %d.%d; name one with make PYTHON=python3.12." % v)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --only-binary :all: -r requirements/$*.txt
	$(PIP) --no-deps --no-index --no-build-isolation --editable .
	touch $@

# What tests need from Debian. Where it cannot be had, the tests that need it are skipped by name.
APT = if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) </dev/null >/dev/null; \
	else echo "make: $(2) is not here and only root can install it (apt-get install $(1)); tests that need it are skipped by name."; fi

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	{ $(call APT,chromium fonts-dejavu-core,Chromium); }

# Other people's programs that judge our PDFs: poppler and Ghostscript.
judges:
	@command -v pdffonts >/dev/null && command -v gs >/dev/null || \
	{ $(call APT,poppler-utils ghostscript,A second judge of PDFs); }

container:
	@command -v mmdebstrap >/dev/null && command -v systemd-nspawn >/dev/null || \
	{ $(call APT,mmdebstrap systemd-container,a container); }

# The kernel's own package and busybox are fetched by the test itself, once (tests/hardware/kernel_vm.py).
kernel:
	@command -v qemu-system-x86_64 >/dev/null && command -v tc >/dev/null || \
	{ $(call APT,qemu-system-x86 iproute2,An emulator for a real kernel); }
