#!/bin/sh
# examples/docker/Dockerfile, without Docker: the instructions of the file itself are carried out in roots made by
# debootstrap, and the image is started as it says: as its user, without capabilities, on a read-only file system.
# In: TIDEGATE_SOURCE, TIDEGATE_BUILD, TIDEGATE_PROGRAM, SOCKET_POD_PROGRAM. Status 77: skipped.
# With TIDEGATE_IMAGE_FULL=1 the gateway is compiled in the root of the build stage, from what .dockerignore lets
# through and with the packages named there, and with ccache where this machine has it. Without it the program that is
# built already stands in for that, and apt only says that it could install the packages; the rest is the same.
set -eu

# shellcheck source=tests/e2e/debian_root.sh disable=SC1091
. "$(dirname "$0")/debian_root.sh"
require_programs ip strip
dockerfile=$TIDEGATE_SOURCE/examples/docker/Dockerfile
case $(sed -n 's/^FROM debian:\([0-9]*\)-slim.*/\1/p' "$dockerfile" | sort -u) in
  12) codename=bookworm ;;
  13) codename=trixie ;;
  *) fail "the stages are not of one Debian that is known here" ;;
esac
full=${TIDEGATE_IMAGE_FULL:-0}
[ "$full" = 1 ] || [ "$codename" = "$(own_codename)" ] ||
  skip "the program that is built here is not for $codename; TIDEGATE_IMAGE_FULL=1 compiles another"
mirror=$(find_mirror "$codename" 2>&1) || skip "$mirror"

work=$TIDEGATE_BUILD/image
log=$work/log
mkdir -p "$work"
: >"$log"
stages=$(mktemp -d "$work/stages.XXXXXX")
# shellcheck disable=SC2317  # called by the trap
clean() {
  status=$?
  [ $status -eq 0 ] || tail -n 80 "$log"
  rm -rf --one-file-system "$stages"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# === the instructions, one a line ===

awk '/^[ \t]*(#|$)/ { next } sub(/\\$/, "") { line = line $0 " "; next } { print line $0; line = "" }' "$dockerfile" \
  >"$stages/instructions"

# `words JSON`: the words of an exec form, which has no blanks within them here.
words() {
  case $1 in \[\"*\"\]) ;; *) fail "not an exec form: $1" ;; esac
  printf '%s' "$1" | sed 's/^\["//; s/"\]$//; s/", *"/ /g'
}

# `run COMMAND`: as /bin/sh of the stage does it, with a /proc.
run() {
  # shellcheck disable=SC2016  # expanded inside
  DEBIAN_FRONTEND=noninteractive LC_ALL=C unshare --mount --pid --fork --kill-child sh -eu -c '
    mount -t proc proc "$1/proc"
    [ ! -d "$4" ] || mount --bind "$4" "$1/root/.cache/ccache"
    exec chroot "$1" /bin/sh -c "cd \"$2\" && $3"' sh "$root" "$folder" "$1" "$cache" </dev/null >>"$log" 2>&1
}

start_stage() {
  root=$stages/${1:-last}
  folder=/
  mkdir "$root"
  make_root "$codename" "$mirror" "$root" >>"$log" 2>&1 || fail "debootstrap made no root"
  # What makes the image of Debian a slim one.
  printf 'path-exclude /usr/share/%s/*\n' doc man locale >"$root/etc/dpkg/dpkg.cfg.d/slim"
  if [ "${1:-}" = build ] && [ "$full" != 1 ]; then
    echo 'APT::Get::Simulate "true";' >"$root/etc/apt/apt.conf.d/90simulate"
  fi
}

# `copy SOURCE DESTINATION`: one file, or `. .`, which is what .dockerignore lets through.
copy() {
  from=$TIDEGATE_SOURCE
  case $1 in --from=*) from=$stages/${1#--from=} && shift ;; esac
  if [ "$*" = '. .' ]; then
    sed -n 's/^!//p' "$TIDEGATE_SOURCE/.dockerignore" | (cd "$from" && xargs tar -cf -) | tar -C "$root$folder" -xf -
  else
    if [ $# -ne 2 ] || [ ! -f "$from/$1" ]; then fail "COPY $*: not one file that is there"; fi
    if [ "$from" = "$TIDEGATE_SOURCE" ]; then
      grep -qx "!${1%%/*}" "$from/.dockerignore" || fail ".dockerignore keeps $1 out"
    fi
    mkdir -p "$root$(dirname "$2")"
    cp "$from/$1" "$root$2"
  fi
}

compile() {
  if [ "$full" = 1 ]; then
    if command -v ccache >/dev/null && [ "$codename" = "$(own_codename)" ]; then
      run 'apt-get update -q && apt-get install -q -y --no-install-recommends ccache' || fail "no ccache"
      mkdir -p "$root/root/.cache/ccache"
      cache=$(ccache -k cache_dir)
    fi
    run "export CCACHE_BASEDIR=$folder CCACHE_NOHASHDIR=1; $1" || fail "it does not compile in the build stage"
    cache=''
    echo "compiled in the build stage"
  else
    mkdir -p "$root/out"
    strip -o "$root/out/tidegate" "$TIDEGATE_PROGRAM"
    echo "not compiled in the build stage: the program of this build stands in (TIDEGATE_IMAGE_FULL=1 compiles)"
  fi
}

cache='' user='' command='' health='' signal='' port=''
while read -r instruction rest; do
  case $instruction in
    FROM)
      case $rest in *' AS '*) start_stage "${rest##* AS }" ;; *) start_stage ;; esac
      ;;
    RUN)
      case $rest in
        *'cmake --build'*) compile "$rest" ;;
        *) run "$rest" || fail "RUN $rest" ;;
      esac
      ;;
    WORKDIR) folder=$rest && mkdir -p "$root$folder" ;;
    COPY)
      # shellcheck disable=SC2086  # words
      copy $rest
      ;;
    USER) user=$rest ;;
    EXPOSE) port=$rest ;;
    STOPSIGNAL) signal=$rest ;;
    HEALTHCHECK) health=$(words "${rest##*CMD }") ;;
    ENTRYPOINT) command=$(words "$rest") ;;
    *) fail "the test knows no $instruction" ;;
  esac
done <"$stages/instructions"
for found in "$command" "$health" "$signal" "$port"; do
  [ -n "$found" ] || fail "one of ENTRYPOINT, HEALTHCHECK, STOPSIGNAL and EXPOSE is missing"
done
case $user in *[!0-9:]* | 0 | 0:* | *:0 | '') fail "USER $user: not a number of somebody else than root" ;; esac
[ -z "$(find "$root/var/lib/apt/lists" -name '*Packages*')" ] || fail "the lists of apt were left in"
size=$(du -sm "$root" | cut -f 1)

# === start it ===

cat >"$stages/tidegate.yaml" <<END
listeners: [":$port"]
upstreams:
  pods:
    endpoints: ["127.0.0.1:6001"]
    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 1 }
shutdown: { delay: 100ms, deadline: 5s }
END
unshare --net --mount --pid --fork --kill-child \
  "$(dirname "$0")/run_image.sh" "$root" "$stages/tidegate.yaml" "$user" "$command" "$health" "$signal" "$port" ||
  fail "the image does not run"
echo "built, started, answered, found healthy, drained and stopped: $size MB on $codename, as $user"
