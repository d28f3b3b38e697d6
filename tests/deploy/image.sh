#!/usr/bin/env bash
# Build both images without a registry and without a daemon, and let each answer a command: as an ordinary user, on a
# root that is read-only. It needs root, buildah and mmdebstrap (both of Debian), 10 GB of disk and 20 minutes; so it is
# no part of `make test`. IMAGE_MOUNTS names files and folders of this machine that pip needs within the build, such as
# certificates: they are mounted, never copied into the image. FOLDER is where everything goes.
#
#     IMAGE_MOUNTS="/etc/pip.conf /etc/ssl/certs" tests/deploy/image.sh FOLDER [full | lite]
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
base=localhost/debian-python:bookworm
buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }

mounts=()
for path in ${IMAGE_MOUNTS:-}; do mounts+=(--volume "$path:$path:ro"); done

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  echo "--- a base of Debian's own packages"
  mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates,libgomp1 bookworm "$folder/base.tar"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$folder/base.tar" / >/dev/null
  buildah commit --quiet --rm "$container" "$base" >/dev/null
  rm "$folder/base.tar"
fi

# tries "$image" as user 10001; the rest of the arguments are flags of `sayso serve`
try() {
  local image=$1 port=$2 container root pid settings
  shift 2
  mapfile -t settings < <(buildah inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$image" | grep .)
  container=$(buildah from "$image")
  root=$(buildah mount "$container")
  # what a container engine would do: a read-only root, the two volumes, /tmp, /proc and no privileges
  unshare --mount --pid --fork --kill-child bash -euc '
    root=$1; user=10001; shift
    mount --rbind "$root" "$root"
    for writable in tmp var/lib/sayso var/cache/sayso; do
      mkdir -p "$root/$writable"; mount -t tmpfs -o mode=1777 tmpfs "$root/$writable"
    done
    install -d -m 700 -o $user -g $user "$root"/var/lib/sayso "$root"/var/cache/sayso
    chown $user:$user "$root"/var/lib/sayso "$root"/var/cache/sayso; chmod 700 "$root"/var/lib/sayso "$root"/var/cache/sayso
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -o remount,bind,ro "$root"
    exec chroot "$root" setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs --bounding-set=-all \
      env -i HOME=/var/lib/sayso "$@"
  ' _ "$root" "${settings[@]}" sayso serve --port "$port" --set gateway.rate.enabled=false "$@" >"$folder/server.log" 2>&1 &
  pid=$!
  for _ in $(seq 240); do
    answer=$(curl --silent --max-time 2 "http://127.0.0.1:$port/health/ready" || true)
    [[ $answer == *'"ready"'* ]] && break
    kill -0 $pid 2>/dev/null || break
    sleep 0.5
  done
  echo "$image: $answer"
  [[ $answer == *'"ready"'* ]] || { cat "$folder/server.log"; return 1; }
  chroot "$root" /opt/sayso/bin/sayso say --url "ws://127.0.0.1:$port/ws" "what time is it"
  pkill --signal TERM --parent "$pid" || true # the one process below unshare
  wait $pid && echo "$image: stopped by SIGTERM, exit code 0"
  buildah umount "$container" >/dev/null
  buildah rm "$container" >/dev/null
}

build() {
  buildah bud --quiet --layers=false "${mounts[@]}" --build-arg "BASE=$base" --target "$1" --file deploy/Dockerfile \
    --format docker --tag "localhost/sayso:$1" . >"$folder/build.log" 2>&1 || { tail -40 "$folder/build.log"; return 1; }
  echo "localhost/sayso:$1: $(buildah images --format '{{.Size}}' "localhost/sayso:$1")"
}

if [[ ${2:-full} == full ]]; then
  build full
  try localhost/sayso:full 8311
fi
if [[ ${2:-lite} == lite ]]; then
  build lite
  try localhost/sayso:lite 8312 \
    --set transcription.provider=openai --set transcription.openai.url=http://127.0.0.1:9/v1 \
    --set inference.provider=none --set speech.provider=none
fi
