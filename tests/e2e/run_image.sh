#!/bin/sh
# Starts what image_test.sh has built, in namespaces of its own, in front of a socket pod.
# Usage: run_image.sh ROOT CONFIGURATION USER COMMAND HEALTHCHECK SIGNAL PORT
set -eu
root=$1 configuration=$2 user=$3 command=$4 health=$5 signal=$6 port=$7
output=$(mktemp -d "$(dirname "$configuration")/output.XXXXXX")

fail() {
  echo "FAILED: $*" >&2
  tail -n 40 "$output"/* >&2
  exit 1
}

# `until_true WHAT COMMAND...`
until_true() {
  what=$1
  shift
  tries=0
  until "$@" >>"$output/tries" 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || fail "waited 15 s in vain: $what"
    sleep 0.1
  done
}

# As a container runtime does it: read-only but for one folder.
ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o "uid=${user%:*},mode=0755" tmpfs "$root/run/tidegate"

in_image() {
  chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all "$@"
}
# shellcheck disable=SC2086  # words
check_health() { in_image $health; }
healthy() { check_health && status=0 || status=$?; [ "$status" -eq "$1" ]; }
says() { grep -q "$1" "$output/health" || fail "\`$health\` does not say: $1 but: $(cat "$output/health")"; }
answers() { curl -fs --max-time 3 "http://127.0.0.1:$port/" >/dev/null; }
shakes_hands() {
  curl -s --max-time 2 -i --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "http://127.0.0.1:$port/app/key" >"$output/handshake" || true
  grep -q '^HTTP/1.1 101 ' "$output/handshake"
}

if in_image touch /usr/bin/written 2>/dev/null; then fail "the root is not read-only"; fi
in_image tidegate check >"$output/check" 2>&1 || fail "the configuration of the image is faulty"
mount --bind "$configuration" "$root/etc/tidegate/tidegate.yaml"
healthy 3 >"$output/health" 2>&1 || fail "\`$health\` before the start: status $status"

"$SOCKET_POD_PROGRAM" --listen 127.0.0.1:6001 >"$output/pod" 2>&1 &
pod=$!
# shellcheck disable=SC2086  # words
(in_image $command >"$output/gateway" 2>&1 && ended=0 || ended=$?; echo "$ended" >"$output/ended") &
until_true "the image is healthy" check_health
check_health >"$output/health" 2>&1
says '^pods: 1 of 1 endpoint ready'
until_true "a request is answered" answers
shakes_hands || fail "no 101: $(cat "$output/handshake")"

kill "$pod"
until_true "the end of the pod is seen" sh -c "! curl -fs --max-time 1 http://127.0.0.1:6001/ready"
pod_is_out() { check_health 2>&1 | grep -q '^pods: 0 of 1 endpoint ready'; }
until_true "the gateway knows of it" pod_is_out
healthy 0 >"$output/health" 2>&1 || fail "not healthy without a pod, though it holds the clients: status $status"
says '127.0.0.1:6001 unready since '

in_image tidegate drain >"$output/drain" 2>&1 || fail "tidegate drain"
healthy 1 >"$output/health" 2>&1 || fail "\`$health\` while it drains: status $status"
says ': not ready: draining$'

for process in "$root"/proc/[0-9]*; do
  [ "$(readlink "$process/exe")" != "$root/usr/bin/tidegate" ] || kill -s "${signal#SIG}" "${process##*/}"
done
until_true "it ends by $signal" test -e "$output/ended"
[ "$(cat "$output/ended")" -eq 0 ] || fail "status $(cat "$output/ended") after $signal"
