# Shared by tools/run and tools/test: packages and the build. Sourced with `root` set to the source folder.

say() { printf 'mpower: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages KIND...: installs what tools/packages lists under the kinds and is not there yet.
install_packages() {
    local missing=() package
    for package in $(for kind; do sed -n "s/^$kind: //p" "$root/tools/packages"; done); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "installing ${#missing[@]} Debian packages"
    as_root apt-get update -qq >"$root/build/apt.log" 2>&1 || true # a suite may be out of reach
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >>"$root/build/apt.log" 2>&1 || { tail -5 "$root/build/apt.log" >&2; die "cannot install: ${missing[*]}"; }
}

# build TARGET...: the release build, quiet unless it fails.
build() {
    local log="$root/build/build.log"
    say "building"
    (cd "$root" && cmake --preset release && cmake --build --preset release --target "$@") >"$log" 2>&1 ||
        { tail -40 "$log" >&2; die "the build failed; all of its output is in build/build.log"; }
}
