"""Root file systems in place of the images that the Dockerfiles start from, which no registry is asked for."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"

# As Debian's slim images and NVIDIA's Ubuntu ones have it: no documentation, and no package kept once it is installed.
EXCLUDED = ["doc", "groff", "info", "linda", "lintian", "locale", "man"]
SETTINGS = {
    "etc/dpkg/dpkg.cfg.d/docker": "".join(f"path-exclude /usr/share/{name}/*\n" for name in EXCLUDED)
    + "path-include /usr/share/doc/*/copyright\n",
    "etc/apt/apt.conf.d/docker-clean": 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n',
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}

# What gcr.io/distroless/cc-debian12 is made of.
DISTROLESS = "base-files ca-certificates gcc-12-base libc6 libgcc-s1 libgomp1 libssl3 libstdc++6 netbase tzdata".split()

# In place of cargo in the image rust. A compiler is there, but dependencies and programs take minutes: they are not
# compiled. What the command lines ask for must exist all the same, and fit Cargo.lock. What was compiled to install a tool
# is kept for the next time.
CARGO = """#!/bin/sh
real=/opt/toolchain/bin/cargo
case "$1:$2" in
chef:cook)
    shift 2
    exec $real chef cook --no-build "$@"
    ;;
build:--release)
    shift 2
    $real tree --offline --depth 0 "$@" >/tmp/asked || exit
    mkdir -p target/release
    ln -sf /opt/programs/* target/release/
    ;;
*) CARGO_TARGET_DIR=/opt/kept exec $real "$@" ;;
esac
"""


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def debian(home, suite):
    """A minimal Debian, as the slim images have it."""
    root = home / suite
    if (root / ".whole").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    run("debootstrap", "--variant=minbase", suite, root, MIRROR, stdout=subprocess.DEVNULL)
    for name, text in SETTINGS.items():
        (root / name).write_text(text)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    (root / "etc/apt/sources.list").write_text(
        f"deb {MIRROR} {suite} main\ndeb {MIRROR} {suite}-updates main\ndeb {SECURITY} {suite}-security main\n"
    )
    undocumented(root)
    emptied(root)
    (root / ".whole").touch()
    return root


def emptied(root):
    for folder in ["var/cache/apt", "var/lib/apt/lists", "var/log"]:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()


def undocumented(root):
    for name in EXCLUDED:
        for path in sorted((root / "usr/share" / name).rglob("*"), reverse=True):
            if path.name != "copyright" and (path.is_symlink() or not path.is_dir()):
                path.unlink()


def distroless(home):
    """The packages of distroless, laid out without installing them."""
    root = home / "distroless"
    if (root / ".whole").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    bookworm = debian(home, "bookworm")
    folder = bookworm / "tmp/packages"
    folder.mkdir(exist_ok=True)
    command = "apt-get -qq update && cd /tmp/packages && apt-get -qq -o APT::Sandbox::User=root download " + " ".join(DISTROLESS)
    run("chroot", bookworm, "sh", "-c", command)
    root.mkdir()
    status = root / "var/lib/dpkg/status.d"
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "-x", package, root)
        status.mkdir(parents=True, exist_ok=True)
        told = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
        (status / package.name.split("_")[0]).write_text(told)
    shutil.rmtree(folder)
    emptied(bookworm)
    undocumented(root)
    authorities = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(path.read_text() for path in authorities))
    (root / ".whole").touch()
    return root


def rust(home):
    """Debian with a C compiler, made for the compiler and the cargo that are put in while it is used."""
    root = home / "rust"
    if not (root / ".whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        run("cp", "-a", debian(home, "bookworm"), root)
        (root / ".whole").unlink()
        command = "apt-get -qq update && apt-get -qq install -y --no-install-recommends gcc libc6-dev ca-certificates"
        run("chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for folder in ["opt/kept", "opt/toolchain", "opt/programs", "usr/local/cargo/bin", "usr/local/cargo/registry"]:
            (root / folder).mkdir(parents=True)
        (root / ".whole").touch()
    cargo = root / "usr/local/cargo/bin/cargo"
    cargo.write_text(CARGO)
    cargo.chmod(0o755)
    return root


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class StandIn:
    """What an image is replaced by: who makes it, what the check says of it, and the variables that the image sets."""

    make: Callable[[Path], Path]
    told: str
    env: dict[str, str]


STAND_INS = {
    "rust:1.95-bookworm": StandIn(
        rust,
        "Debian 12 with gcc and this machine's Rust",
        {"PATH": f"/usr/local/cargo/bin:/opt/toolchain/bin:{PATH}", "CARGO_HOME": "/usr/local/cargo"},
    ),
    "gcr.io/distroless/cc-debian12:nonroot": StandIn(distroless, "the Debian 12 packages that it is made of", {"PATH": PATH}),
    "debian:bookworm-slim": StandIn(
        lambda home: debian(home, "bookworm"), "Debian 12 by debootstrap, without documentation", {"PATH": PATH}
    ),
    "nvidia/cuda:12.6.3-base-ubuntu24.04": StandIn(
        lambda home: debian(home, "trixie"),
        "Debian 13, the nearest that Debian's mirror has. It is NOT Ubuntu 24.04 with CUDA: ffmpeg and all other packages"
        " have other versions and sizes, and nothing of NVIDIA's is there",
        {"PATH": PATH},
    ),
}


@dataclass
class Base:
    """An image that a Dockerfile starts from, as far as stages need it."""

    base: str
    layers: list[Path]
    env: dict[str, str]
    labels: dict[str, str]
    workdir: str = "/"
    user: str = "0:0"


def stand_in(image, home):
    """What stands in place of an image, made at its first use."""
    if image not in STAND_INS:
        raise SystemExit(f"error: nothing stands in place of {image}: add it to {Path(__file__).name}")
    known = STAND_INS[image]
    return Base(image, [known.make(home)], known.env, {})
