#!/bin/sh
# The Debian package installs and starts on a clean system: into a root made by debootstrap, of the release this machine
# runs and from the mirror it uses, started there with the default configuration as the systemd unit would do it.
# In: TIDEGATE_BUILD, the build folder. Status 77: skipped.
set -eu

# shellcheck source=tests/e2e/debian_root.sh disable=SC1091
. "$(dirname "$0")/debian_root.sh"
require_programs dpkg-shlibdeps cpack ip
codename=$(own_codename)
mirror=$(find_mirror "$codename" 2>&1) || skip "$mirror"

work=$TIDEGATE_BUILD/package
log=$work/log
mkdir -p "$work"
root=$(mktemp -d "$work/root.XXXXXX")
# shellcheck disable=SC2317  # called by the trap
clean() {
  status=$?
  [ $status -eq 0 ] || tail -n 80 "$log"
  rm -rf --one-file-system "$root"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# === the package ===

rm -f "$work"/*.deb
cpack --config "$TIDEGATE_BUILD/CPackConfig.cmake" -G DEB -B "$work" >"$log" 2>&1
package=$(find "$work" -maxdepth 1 -name '*.deb')
[ -f "$package" ] || fail "cpack made no package"

# === a clean root ===

make_root "$codename" "$mirror" "$root" >>"$log" 2>&1 || fail "debootstrap made no root"
cp "$package" "$root/tidegate.deb"

in_root() { DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" "$@" >>"$log" 2>&1; }
in_root apt-get update -q
in_root apt-get install -q -y --no-install-recommends /tidegate.deb || fail "the package does not install"
in_root getent passwd tidegate || fail "no user tidegate"
# shellcheck disable=SC2016  # dpkg's own placeholder
chroot "$root" dpkg-query -W -f '${Conffiles}' tidegate | grep -q /etc/tidegate/tidegate.yaml ||
  fail "the configuration is not a conffile"

for file in systemd/tidegate.socket systemd/notify-reload.conf kubernetes/gateway.yaml kubernetes/README.md; do
  [ -f "$root/usr/share/tidegate/examples/$file" ] || fail "no example $file"
done
# What this release's systemd does not know it would leave out, with no more than a warning.
case $codename in
  bookworm) grep -qx 'Type=notify' "$root/usr/lib/systemd/system/tidegate.service" || fail "not a unit for systemd 252" ;;
esac

# === start, ask, reload, stop ===

export root log
# In its own network, so that no port is taken, and its own process numbers, so that nothing can be left.
# shellcheck disable=SC2016  # expanded inside
unshare --net --mount --pid --fork --kill-child sh -eu -c '
  mount -t proc proc "$root/proc"
  ip link set lo up
  unit=$root/usr/lib/systemd/system/tidegate.service
  as_unit() {
    chroot "$root" setpriv --reuid tidegate --regid tidegate --clear-groups --no-new-privs \
      --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service "$@"
  }
  chroot "$root" install -d -o tidegate -g tidegate /run/tidegate  # RuntimeDirectory
  as_unit $(sed -n "s/^ExecStartPre=//p" "$unit") >>"$log" 2>&1
  (as_unit $(sed -n "s/^ExecStart=//p" "$unit") >>"$log" 2>&1; echo $? >"$root/ended") &
  tries=0
  until curl -fs --max-time 2 http://127.0.0.1:9901/ready >>"$log" 2>&1; do
    [ ! -e "$root/ended" ] || { echo "it ended by itself, status $(cat "$root/ended")"; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "not ready after 10 s"; exit 1; }
    sleep 0.1
  done
  curl -fs --max-time 2 -o /dev/null http://127.0.0.1:9901/live || { echo "/live does not answer"; exit 1; }
  curl -fs --max-time 2 http://127.0.0.1:80/ | grep -q tidegate || { echo "port 80 does not answer"; exit 1; }
  as_unit $(sed -n "s/^ExecReload=//p" "$unit") >>"$log" 2>&1 || { echo "it does not reload"; exit 1; }
  for process in "$root"/proc/[0-9]*; do
    [ "$(readlink "$process/exe")" != "$root/usr/bin/tidegate" ] || kill -TERM "${process##*/}"
  done
  tries=0
  until [ -e "$root/ended" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "still there 10 s after SIGTERM"; exit 1; }
    sleep 0.1
  done
  [ "$(cat "$root/ended")" -eq 0 ] || { echo "status $(cat "$root/ended") after SIGTERM"; exit 1; }
' || fail "the installed gateway does not run"

in_root apt-get purge -q -y tidegate || fail "the package does not go away"
[ ! -e "$root/etc/tidegate/tidegate.yaml" ] || fail "purge left the configuration"
echo "installed, started, answered, reloaded, stopped and purged: $(basename "$package") on $codename"
