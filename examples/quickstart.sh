#!/bin/sh
# The demo: a pod for each endpoint of the configuration and the gateway in front, until Ctrl-C. `./dev run` builds and
# calls it. Needs curl and ss.
# Usage: quickstart.sh TIDEGATE SOCKET_POD CONFIGURATION
set -eu
tidegate=$1
pod=$2
configuration=$3

# Addresses of one top-level part of the configuration, as `127.0.0.1:PORT`.
addresses_of() {
  sed 's/#.*//' "$configuration" | awk -v part="$1:" '
    /^[^ \t-]/ { inside = ($1 == part) }
    inside { line = $0; while (match(line, /127\.0\.0\.1:[0-9]+/)) {
      print substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH) } }'
}

gateway_address=$(addresses_of listeners | head -n 1)
admin_address=$(addresses_of admin | head -n 1)
admin_address=${admin_address:-127.0.0.1:9901}
pod_addresses=$(addresses_of upstreams | sort -u)
if [ -z "$gateway_address" ] || [ -z "$pod_addresses" ]; then
  echo "$configuration: no listener or no endpoint on 127.0.0.1" >&2
  exit 1
fi

for address in $gateway_address $admin_address $pod_addresses; do
  port=${address##*:}
  taken=$(ss -Htlnp "sport = :$port" 2>/dev/null)
  if [ -n "$taken" ]; then
    owner=$(echo "$taken" | sed -n 's/.*users:((\("[^"]*",pid=[0-9]*\).*/ by \1/p' | head -n 1)
    echo "port $port is taken$owner. End that program, or write another port for $address in $configuration." >&2
    exit 1
  fi
done

logs=$(mktemp -d)
gateway=
pods=

alive() { kill -0 "$1" 2>/dev/null; }
# shellcheck disable=SC2317  # called by the trap
ask_to_end() { kill -TERM "$1" 2>/dev/null || true; }

# Asks the gateway until it ends (from the second time on it does so at once), gives the pods a second, then kills.
# shellcheck disable=SC2317  # called by the trap
end_all() {
  trap '' INT TERM HUP
  trap - EXIT
  for process in $gateway $pods; do ask_to_end "$process"; done
  tries=0
  while [ "$tries" -lt 50 ]; do
    rest=
    for process in $gateway $pods; do
      if alive "$process"; then rest="$rest $process"; fi
    done
    [ -n "$rest" ] || break
    if [ "$tries" -gt 2 ] && [ -n "$gateway" ]; then ask_to_end "$gateway"; fi
    if [ "$tries" -gt 10 ] && ! { [ -n "$gateway" ] && alive "$gateway"; }; then break; fi
    tries=$((tries + 1))
    sleep 0.1
  done
  for process in $rest; do kill -KILL "$process" 2>/dev/null || true; done
  wait
  rm -rf "$logs"
}
trap end_all EXIT
trap 'echo; echo "ending the gateway and the pods"; exit 0' INT TERM HUP

# `start LOG COMMAND...`: in the background; the kernel ends it too if this script is killed. Sets `started`.
start() {
  log=$1
  shift
  if command -v setpriv >/dev/null; then set -- setpriv --pdeathsig TERM -- "$@"; fi
  "$@" >"$log" 2>&1 </dev/null &
  started=$!
}

# `report NAME PROCESS LOG`: says how a child ended, with the last of what it wrote.
report() {
  status=0
  wait "$2" || status=$?
  echo "$1 has ended (status $status); the end of its output:"
  tail -n 15 "$3" | sed 's/^/  /'
}

for address in $pod_addresses; do
  port=${address##*:}
  start "$logs/$port" "$pod" --listen "$address" --name "pod-$port"
  pods="$pods $started"
  eval "name_$started=pod-$port log_$started=$logs/$port"
done
start "$logs/gateway" "$tidegate" -c "$configuration"
gateway=$started

ready=false
tries=0
while [ "$tries" -lt 150 ]; do
  if ! alive "$gateway"; then
    report "the gateway" "$gateway" "$logs/gateway" >&2
    exit 1
  fi
  if curl -fs -o /dev/null --max-time 2 "http://$admin_address/ready"; then ready=true; break; fi
  tries=$((tries + 1))
  sleep 0.1
done
if ! $ready; then
  echo "the gateway was not ready after 15 s; the end of its output:" >&2
  tail -n 30 "$logs/gateway" >&2
  exit 1
fi

cat <<END

tidegate runs in front of $(echo "$pod_addresses" | wc -l) pods ($(echo "$pod_addresses" | tr '\n' ' ' | sed 's/ $//')).

  http://$gateway_address/
  ws://$gateway_address/app/demo
  http://$admin_address/endpoints   (also /ready, /live, /metrics)

try:
  curl -i http://$gateway_address/
  npx wscat -c ws://$gateway_address/app/demo        or: websocat ws://$gateway_address/app/demo
  kill -TERM ${pods##* }      one pod, as a rolling restart does

Ctrl-C ends all of it.
END

# A short wait in the background, so that a signal is acted upon at once.
while alive "$gateway"; do
  for process in $pods; do
    ! alive "$process" || continue
    eval "name=\$name_$process log=\$log_$process"
    # shellcheck disable=SC2154  # set by the eval
    report "$name" "$process" "$log"
    pods=$(echo " $pods " | sed "s/ $process / /")
    echo "the gateway goes on with the other pods"
  done
  sleep 0.5 &
  wait $! || true
done
report "the gateway" "$gateway" "$logs/gateway" >&2
exit 1
