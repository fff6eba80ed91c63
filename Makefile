# libnetns. `make` builds it, `make demo` demonstrates it, `make test` tests it; see README.md.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
EXAMPLEDIR ?= $(PREFIX)/share/doc/libnetns/examples
# Where the shells expect completions, and systemd units.
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
FISHDIR    ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=

CARGO      ?= cargo
INSTALL    ?= install
OBJCOPY    ?= objcopy
PKG_CONFIG ?= pkg-config
PYTHON     ?= python3
CFLAGS     ?= -O2 -g
WARNINGS   := -Wall -Wextra -Wpedantic -Werror

# Rust's name of another target, to be used with CC, OBJCOPY and B.
TARGET     ?=

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME  := libnetns.so.1
SO      := libnetns.so.$(VERSION)

B        := build
STAGE    := $(CURDIR)/$(B)/stage
# Those that need another library are built by scripts/test-gallery.
WITH_LIBRARY := monitor-libevent monitor-libuv monitor-sd-event neigh-libnl stats-libmnl
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(filter-out $(WITH_LIBRARY:%=examples/%.c),$(wildcard examples/*.c)))
TOOL     := examples/netns.c $(wildcard examples/netns/*.c)
HEADERS  := include/netns.h include/netns-iproute2.h include/netns.hpp
RUST     := Cargo.toml Cargo.lock build.rs libnetns/Cargo.toml $(shell find src libnetns/src -name '*.rs')

# The library must not contain the path of the build directory.
REMAP := --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/netns

export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: all demo test check test-sanitizers test-stress test-old-kernels test-kernels test-faults bench fuzz wheel install
.PHONY: install-library install-tool install-completions install-units install-manuals uninstall stage header abi abi-update lint clean
.DELETE_ON_ERROR:

all: $(B)/$(SO) $(B)/libnetns.a $(EXAMPLES)

# --- the library -------------------------------------------------------------------------------

# iproute2's names are weak in the archive, so that programs with their own copies can link with it.
# Rust has no stable attribute for this.
WEAK = $(shell sed -n 's/^[a-z][a-z ]* \**\([a-z_]*\)[^a-z_].*[;,]$$/\1/p' include/netns-iproute2.h)

$(B)/libnetns.a: $(RUST) include/netns-iproute2.h scripts/need Makefile
	@scripts/need cargo cc objcopy pkg-config
	RUSTFLAGS="$(strip $(RUSTFLAGS) $(REMAP))" env -u CARGO_BUILD_TARGET \
	    $(CARGO) build --release --locked $(TARGET:%=--target %)
	@mkdir -p $(B)
	$(OBJCOPY) --enable-deterministic-archives $(addprefix --weaken-symbol=,$(WEAK)) \
	    $(CARGO_TARGET_DIR)/$(TARGET:%=%/)release/libnetns.a $@

# rustc cannot add symbol versions to a cdylib (its own anonymous version script wins), so the shared
# library is linked from the archive.
$(B)/$(SO): $(B)/libnetns.a abi/libnetns.map Makefile
	$(CC) $(LDFLAGS) -shared -o $@ -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=abi/libnetns.map -Wl,--no-undefined-version \
	    -Wl,-z,defs,-z,relro,-z,now -Wl,--gc-sections -Wl,--strip-debug \
	    -Wl,--whole-archive $(B)/libnetns.a -Wl,--no-whole-archive \
	    -static-libgcc -lgcc_eh -lc
	ln -sf $(SO) $(B)/$(SONAME)
	ln -sf $(SONAME) $(B)/libnetns.so

# --- examples, built with the installed library -------------------------------------------------

$(B)/examples/netns: $(TOOL) $(wildcard examples/netns/*.h)

$(B)/examples/%: examples/%.c $(STAGE)/.done
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) $(LDFLAGS) -o $@ $(filter %.c,$^) \
	    $$(PKG_CONFIG_PATH=$(STAGE)/lib/pkgconfig $(PKG_CONFIG) --cflags --libs netns) \
	    -Wl,-rpath,$(STAGE)/lib -pthread

demo: $(B)/examples/demo $(B)/examples/sandbox
	$(B)/examples/demo
	@echo
	$(B)/examples/sandbox

# --- install -----------------------------------------------------------------------------------

install: install-library install-tool install-completions install-units install-manuals

install-library: $(B)/$(SO) $(B)/libnetns.a
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/libnetns
	$(INSTALL) -m 755 $(B)/$(SO) $(DESTDIR)$(LIBDIR)/$(SO)
	ln -sf $(SO) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libnetns.so
	$(INSTALL) -m 644 $(B)/libnetns.a $(DESTDIR)$(LIBDIR)/libnetns.a
	$(INSTALL) -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/libnetns
	sed -e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
	    -e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
	    -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' pkgconfig/netns.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/netns.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/netns.pc
	$(INSTALL) -d $(DESTDIR)$(EXAMPLEDIR)
	$(INSTALL) -m 644 examples/README.md examples/*.c examples/*.cpp examples/*.go examples/*.py examples/*.rs $(DESTDIR)$(EXAMPLEDIR)
	$(INSTALL) -d $(DESTDIR)$(EXAMPLEDIR)/netns
	$(INSTALL) -m 644 examples/netns/*.[ch] $(DESTDIR)$(EXAMPLEDIR)/netns

# The tool gets a run path to the library, unless the loader searches there anyway.
RPATH = $(if $(filter /lib% /usr/lib%,$(LIBDIR)),,-Wl,-rpath,$(LIBDIR))

install-tool: install-library
	$(INSTALL) -d $(DESTDIR)$(BINDIR)
	$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $(DESTDIR)$(BINDIR)/netns $(TOOL) \
	    -I$(DESTDIR)$(INCLUDEDIR) -L$(DESTDIR)$(LIBDIR) -lnetns $(RPATH)
	chmod 755 $(DESTDIR)$(BINDIR)/netns

install-completions:
	$(INSTALL) -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	$(INSTALL) -m 644 completions/netns.bash $(DESTDIR)$(BASHDIR)/netns
	$(INSTALL) -m 644 completions/_netns $(DESTDIR)$(ZSHDIR)/_netns
	$(INSTALL) -m 644 completions/netns.fish $(DESTDIR)$(FISHDIR)/netns.fish

install-units:
	$(INSTALL) -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(EXAMPLEDIR)/systemd
	sed 's|@BINDIR@|$(BINDIR)|' systemd/netns@.service.in > $(DESTDIR)$(UNITDIR)/netns@.service
	chmod 644 $(DESTDIR)$(UNITDIR)/netns@.service
	$(INSTALL) -m 644 systemd/netns.conf $(DESTDIR)$(EXAMPLEDIR)/systemd

# Functions documented on a page of another name, with that page.
ALIASES = awk 'FNR == 1 { page = FILENAME; sub(".*/", "", page) } /^\.Sh/ { names = $$2 == "NAME" } \
    names && $$1 == ".Nm" && $$2 ".3" != page { print $$2, page }' man/*.3

install-manuals:
	for section in 1 3 7; do \
	    $(INSTALL) -d $(DESTDIR)$(MANDIR)/man$$section && \
	    $(INSTALL) -m 644 man/*.$$section $(DESTDIR)$(MANDIR)/man$$section || exit; \
	done
	$(ALIASES) | while read -r name page; do \
	    echo ".so man3/$$page" > $(DESTDIR)$(MANDIR)/man3/$$name.3 && \
	    chmod 644 $(DESTDIR)$(MANDIR)/man3/$$name.3 || exit; \
	done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,$(SO) $(SONAME) libnetns.so libnetns.a pkgconfig/netns.pc) \
	    $(HEADERS:include/%=$(DESTDIR)$(INCLUDEDIR)/libnetns/%) \
	    $(DESTDIR)$(BINDIR)/netns $(DESTDIR)$(UNITDIR)/netns@.service \
	    $(DESTDIR)$(BASHDIR)/netns $(DESTDIR)$(ZSHDIR)/_netns $(DESTDIR)$(FISHDIR)/netns.fish \
	    $(foreach section,1 3 7,$(patsubst man/%,$(DESTDIR)$(MANDIR)/man$(section)/%,$(wildcard man/*.$(section))))
	$(ALIASES) | while read -r name page; do rm -f $(DESTDIR)$(MANDIR)/man3/$$name.3; done
	rm -rf $(DESTDIR)$(EXAMPLEDIR)
	rmdir $(DESTDIR)$(INCLUDEDIR)/libnetns 2>/dev/null || :
	rmdir $(DESTDIR)$(PREFIX)/share/doc/libnetns 2>/dev/null || :

# The copy with which examples and tests are built.
stage: $(STAGE)/.done
$(STAGE)/.done: $(B)/$(SO) $(HEADERS) pkgconfig/netns.pc.in
	rm -rf $(STAGE)
	$(MAKE) --no-print-directory install-library DESTDIR= PREFIX=$(STAGE) LIBDIR=$(STAGE)/lib \
	    INCLUDEDIR=$(STAGE)/include EXAMPLEDIR=$(STAGE)/share/doc/libnetns/examples
	touch $@

# --- bindings ----------------------------------------------------------------------------------

# The Python package with the library included, for systems where it is not installed.
wheel: $(STAGE)/.done
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || scripts/need pip3
	@STAGE=$(STAGE) BUILD=$(CURDIR)/$(B) PYTHON=$(PYTHON) scripts/wheel

# --- releases ----------------------------------------------------------------------------------

.PHONY: dist distcheck deb test-packages

TARBALL := $(B)/libnetns-$(VERSION).tar.xz

# Contains every crate. Always rebuilt, since make cannot check what is committed.
dist:
	@scripts/need cargo git xz
	@mkdir -p $(B)
	scripts/dist $(TARBALL)

distcheck: dist
	@scripts/need cc pkg-config
	scripts/distcheck $(TARBALL) || [ $$? -eq 77 ]

# Building packages needs many others; YES=1 installs them without asking.
dist distcheck deb test-packages: export ASK_FIRST = $(if $(YES),,1)

# The Debian packages, built from the tarball as by a distribution.
deb: dist
	scripts/deb $(TARBALL) $(B)/deb

test-packages: deb
	scripts/test-packages $(B)/deb || [ $$? -eq 77 ]

# --- checks ------------------------------------------------------------------------------------

C_TESTS = $(MAKE) --no-print-directory -C c-tests STAGE=$(STAGE) BUILD=$(CURDIR)/$(B)/c-tests \
    EXAMPLES=$(CURDIR)/$(B)/examples

# Tests that take minutes, after the fast ones; longer ones have separate targets.
test: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cargo cc c++ pkg-config ip strace python3
	@STAGE=$(STAGE) BUILD=$(CURDIR)/$(B) scripts/run-tests test

check: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cargo cc c++ pkg-config ip valgrind strace python3
	@STAGE=$(STAGE) BUILD=$(CURDIR)/$(B) scripts/run-tests check

# Data races and invalid memory accesses; the oldest supported Rust, other machines.
test-sanitizers: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cargo cc pkg-config ip valgrind strace
	scripts/test-sanitizers $(STAGE)

# Makes every system call fail once, and kills the process at each.
FAULTS = $(MAKE) --no-print-directory -C c-tests/faults run STAGE=$(STAGE) BUILD=$(CURDIR)/$(B)/faults

test-faults: $(STAGE)/.done
	@scripts/need cc pkg-config strace
	$(FAULTS) WHICH='$(WHICH)'

# Many processes for this many seconds, twice; then this many namespaces at once.
STRESS = $(MAKE) --no-print-directory -C c-tests/stress run STAGE=$(STAGE) \
    BUILD=$(CURDIR)/$(B)/stress EXAMPLES=$(CURDIR)/$(B)/examples

test-stress: SECONDS ?= 60
test-stress: COUNT ?= 10000
test-stress: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cc pkg-config ip
	$(STRESS) SECONDS=$(SECONDS) COUNT=$(COUNT) SEED=$(SEED)

# The C tests on simulated kernels without the features added since Linux 4.19: one at a time, then
# all of them, which `make check` also does.
test-old-kernels: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cc c++ pkg-config ip strace
	$(C_TESTS) old-kernels

# The C tests on Debian's kernels, each in QEMU: all of them, or KERNEL="5.10 newest" and ONLY="22-ids demo";
# QUICK=1 runs some programs on the oldest kernel and the newest. ARCH=arm64 selects another architecture.
test-kernels:
	scripts/test-kernels $(if $(QUICK),--quick) $(if $(KERNEL),--kernel "$(KERNEL)") \
	    $(if $(ONLY),--only "$(ONLY)") $(if $(ARCH),--arch $(ARCH)) || [ $$? -eq 77 ]

# The documentation site, in build/docs; docs-links also checks its external links.
.PHONY: docs docs-links
docs:
	scripts/docs

docs-links: docs
	scripts/check-docs --external $(B)/docs

# Takes ten minutes; `make bench ARGS=--quick` takes less than one and writes only to build/bench.
bench: $(STAGE)/.done $(EXAMPLES)
	@scripts/need cc pkg-config python3
	@scripts/need ip || true
	@$(MAKE) --no-print-directory -C bench run STAGE=$(STAGE) BUILD=$(CURDIR)/$(B)/bench \
	    EXAMPLES=$(CURDIR)/$(B)/examples ARGS="$(ARGS)"

# Fuzzes everything that is parsed, for this many seconds per target.
SECONDS ?= 10
fuzz:
	fuzz/run $(SECONDS) || [ $$? -eq 77 ]

# The headers are generated from the doc comments of src/ and committed; they must not be edited.
header:
	NETNS_HEADER_OUT=$(CURDIR)/include/netns.h $(CARGO) build --locked --features header

# The ABI of the library; see abi/README.md.
abi: $(STAGE)/.done
	scripts/check-abi $(B)/$(SO) $(B)/libnetns.a
	scripts/abi-baseline check $(B)/$(SO)
	scripts/check-versions $(STAGE)
	scripts/check-abi-selftest $(STAGE) || [ $$? -eq 77 ]
	scripts/check-abi-growth $(STAGE) || [ $$? -eq 77 ]

# Records additions. FORCE=1 also records removals and changes of what has not been released.
abi-update: $(B)/$(SO)
	scripts/abi-baseline $(if $(FORCE),force,update) $(B)/$(SO)

lint: abi
	scripts/lint

clean:
	rm -rf $(B)
	$(CARGO) clean
