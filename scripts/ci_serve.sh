#!/usr/bin/env bash
# The live page in a real headless Chromium while a sweep runs (scripts/check_page.py), and what a browser does not do with curl. With an
# argument, screenshots go into that folder. Chromium comes from the system; Playwright and axe-core are fetched into build/.
set -euo pipefail
cd "$(dirname "$0")/.."
playwright=1.65.2 axe=4.14.1

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
  echo "LEFT OUT: the page in a real browser: there is no Chromium"
  exit
fi
venv=build/playwright-$playwright
if [ ! -e "$venv/done" ]; then
  rm -rf "$venv"
  if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q "playwright==$playwright" && touch "$venv/done"; } >&2; then
    echo "LEFT OUT: the page in a real browser: Playwright $playwright cannot be had"
    exit
  fi
fi
script=build/axe-core-$axe.js
if [ ! -e "$script" ] && command -v npm >/dev/null; then
  folder=$(mktemp -d)
  (cd "$folder" && npm pack --silent "axe-core@$axe" >/dev/null && tar xzf ./*.tgz) && cp "$folder/package/axe.min.js" "$script" || true
  rm -rf "$folder"
fi
[ -e "$script" ] || echo "LEFT OUT: the accessibility checks of axe-core, which cannot be had"

make -s
out=$(mktemp -d)
pids=()
finish() {
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$out"
}
trap finish EXIT

# A finished run with a name that a page could take for markup, 250 bytes long.
tail=$(printf 'n%.0s' $(seq 187))
hostile="<script>window.hacked=1<\"><img src=x onerror=window.hacked=1>' $tail"
settings=(data.dataset=synthetic10 data.max_per_class=150 model.name=resnet8 train.batch=32)
bin/longtail train "${settings[@]}" train.epochs=1 --device cpu --quiet --out "$out/runs/$hostile" >/dev/null

# serve FOLDER: starts a server and sets url.
serve() {
  : >"$out/url"
  bin/longtail serve "$1" --addr 127.0.0.1:0 >"$out/url" 2>"$out/serve.log" &
  pids+=($!)
  for _ in $(seq 100); do
    url=$(cat "$out/url")
    [ -z "$url" ] || return 0
    sleep 0.1
  done
  cat "$out/serve.log" >&2
  return 1
}
serve "$out/runs"
server=${pids[-1]}

# refused CODE CURL-ARGUMENT...
refused() {
  local want=$1 got
  shift
  got=$(curl -s -o /dev/null -m 10 -w '%{http_code}' --path-as-is "$@") || true
  [ "$got" = "$want" ] || { echo "curl $*: $got, want $want" >&2; exit 1; }
}
refused 421 -H 'Host: evil.example' "$url"
refused 400 "${url}../../etc/passwd"
refused 400 "${url}%2e%2e/%2e%2e/etc/passwd"
refused 405 -X POST -d x=1 "${url}api/runs"
exec 3<>"/dev/tcp/127.0.0.1/$(echo "$url" | tr -dc '0-9:' | cut -d: -f3)"
printf 'GET / HTTP/1.1\r\nHost: 127' >&3 # half a request, while others are served
curl -s -o /dev/null -w '%{http_code}\n' -Z --parallel-max 200 "${url}api/runs?n=[1-200]" 2>/dev/null | sort | uniq -c | grep -q '^ *200 200$'
exec 3>&-
echo "curl: refused what must be, served 200 at once"

# A folder of a thousand copies of that run, without checkpoints.
python3 - "$out/runs/$hostile" "$out/thousand" <<'PY'
import pathlib, shutil, sys
source, place = map(pathlib.Path, sys.argv[1:])
for i in range(1000):
    (place / f"run-{i:04}").mkdir(parents=True)
    for f in source.iterdir():
        if f.is_file() and "tfevents" not in f.name:
            shutil.copy(f, place / f"run-{i:04}" / f.name)
PY
first=$url
serve "$out/thousand"
thousand=$url

bin/longtail sweep configs/sweep_demo.yaml 'grid.data.imbalance=[10]' train.epochs=15 --device cpu --jobs 2 --quiet out="$out/runs" >/dev/null 2>"$out/sweep.log" &
pids+=($!)
sweep=$!
"$venv/bin/python" scripts/check_page.py --chromium "$chromium" --axe "$script" --url "$first" --thousand "$thousand" --pid "${pids[1]}" --hostile "$hostile" ${1:+--shots "$1"} || { cat "$out/sweep.log" "$out/serve.log" >&2; exit 1; }
kill "$sweep" 2>/dev/null || true
wait "$sweep" || true

kill -INT "$server"
code=0
wait "$server" || code=$?
[ "$code" = 0 ] || { echo "Ctrl-C ends the server with exit code $code" >&2; exit 1; }
echo "Ctrl-C ends the server with exit code 0"
