# shellcheck shell=sh
# A clean Debian in a folder, for the tests that install something there. Sourced by them; needs root and debootstrap.

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# `require_programs NAMES...`: what a root is made with, and these.
require_programs() {
  [ "$(id -u)" -eq 0 ] || skip "needs root"
  for program in debootstrap curl unshare setpriv "$@"; do
    command -v "$program" >/dev/null || skip "no $program here"
  done
  unshare --net --mount --pid --fork true 2>/dev/null || skip "namespaces are not allowed here"
}

# The release that this machine runs.
own_codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# `find_mirror CODENAME`: prints the mirror that apt uses here, if it has that release.
find_mirror() {
  [ -e "/usr/share/debootstrap/scripts/${1:-none}" ] || { echo "debootstrap does not know '$1'" >&2; return 1; }
  # shellcheck disable=SC2016  # apt's own placeholders
  mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v name="$(own_codename)" '$1 == name && $2 == "main" { sub("/$", "", $3); print $3; exit }')
  [ -n "$mirror" ] || { echo "apt has no source for $(own_codename) (apt-get update first)" >&2; return 1; }
  curl -fs -o /dev/null --retry 2 --max-time 30 "$mirror/dists/$1/InRelease" ||
    { echo "the mirror of apt does not answer, or has no $1" >&2; return 1; }
  echo "$mirror"
}

# `make_root CODENAME MIRROR ROOT`: a minimal system in ROOT, kept as an archive in the build folder for the next time.
make_root() {
  archive=$TIDEGATE_BUILD/debian/$1.tar
  if [ ! -f "$archive" ]; then
    mkdir -p "${archive%/*}"
    debootstrap --variant=minbase "$1" "$3" "$2" || return 1
    tar -C "$3" -cf "$archive.part" . || return 1
    mv "$archive.part" "$archive"
  else
    tar -C "$3" -xf "$archive" || return 1
  fi
  chmod 755 "$3"
  # The sources, keys and options of this machine's apt, and its names of hosts.
  if [ "$1" = "$(own_codename)" ]; then
    rm -rf "$3/etc/apt/sources.list" "$3/etc/apt/sources.list.d"
    for place in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/keyrings /etc/apt/trusted.gpg.d \
      /usr/share/keyrings; do
      if [ -e "$place" ]; then cp -rL "$place" "$3$(dirname "$place")/"; fi
    done
  fi
  apt-config dump --no-empty Acquire | grep -E '^Acquire::(https?|Check-|Retries)' >"$3/etc/apt/apt.conf.d/90acquire" ||
    true
  cp -L /etc/resolv.conf /etc/hosts "$3/etc/"
}
