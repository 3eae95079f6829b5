# shellcheck shell=bash
# What the scripts share. Source it first; it goes to the repository's root and keeps in CALLED_FROM where it came from.

set -euo pipefail
export CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

apt_updated=false

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        command -v sudo >/dev/null || return 1
        sudo "$@"
    fi
}

# apt ARGUMENT...: apt-get as root, without questions.
apt() {
    command -v apt-get >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o=Dpkg::Use-Pty=0 "$@" </dev/null
}

# need COMMAND-OR-FILE PACKAGE: installs the Debian package unless the command, or the file (an absolute path), is there.
# Returns 1, having said what is missing, where that cannot be done.
need() {
    local wanted=$1 package=$2
    if [[ -e $wanted ]] || command -v "$wanted" >/dev/null; then
        return 0
    fi
    say "Installing $package (no $wanted here)"
    if ! $apt_updated; then
        apt update || note "the package lists could not be refreshed; going on with the old ones"
        apt_updated=true
    fi
    apt install --no-install-recommends -y "$package" >&2 || {
        note "$package could not be installed: it takes apt-get, and root or sudo. Please install what provides $wanted."
        return 1
    }
}

# What building and running takes, on Debian and Ubuntu; everything else is in the Rust workspace.
need_tools() {
    command -v cargo >/dev/null || die "no cargo here: install Rust $(rust_version) or newer from https://rustup.rs, then try again"
    need cc build-essential || exit 1
    need ffmpeg ffmpeg || exit 1
    need espeak-ng espeak-ng || exit 1
    need /usr/share/wordnet/index.noun wordnet-base || note "going on without: only the built-in lexicon is used offline"
    need /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc fonts-noto-cjk ||
        note "going on without: burned-in Korean, Japanese and Chinese need another font for them"
    need fc-list fontconfig || note "going on without: no warning where no font writes the language of burned-in subtitles"
}

rust_version() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

target_dir() { echo "${CARGO_TARGET_DIR:-target}"; }
