#!/usr/bin/env bash
# Sweeps on a real Slurm of two nodes (scripts/slurm_cluster.sh), compared with local sweeps byte for byte.
#
# 8 runs go to two nodes. In the middle one element is preempted (scontrol requeue), the other's node dies and comes back, and a third one is
# warned as before a time limit. Then two runs and two second stages that start from them go into one element. Before, a partition that
# does not exist must be refused, and afterwards the queue be empty and no epoch have been trained twice but those that were cut off.
# Leaves nothing behind. Where the packages cannot be had, says so and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
PATH=$PATH:/usr/sbin:/sbin

have() { command -v slurmctld && command -v slurmd && command -v sbatch && command -v munged; } >/dev/null
packages=(slurmctld slurmd slurm-client munge)
if ! have && command -v apt-get >/dev/null; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo="sudo -n"
  { $sudo apt-get install -y -q "${packages[@]}" || { $sudo apt-get update -q && $sudo apt-get install -y -q "${packages[@]}"; }; } >/dev/null 2>&1 || true
fi
if ! have || [ "$(id -u)" != 0 ]; then
  echo "LEFT OUT: sweeps on a real Slurm need the packages ${packages[*]} and root"
  exit 0
fi

make -s
out=$(mktemp -d)
cleanup() {
  code=$?
  if [ $code != 0 ]; then
    tail -n 50 "$out"/slurm/*/slurm/*.log "$out"/cluster/log/slurmctld.log || true
  fi
  "$root/scripts/slurm_cluster.sh" stop "$out/cluster"
  rm -rf "$out"
}
trap cleanup EXIT
fail() { echo "$*" >&2; exit 1; }

cluster=$(scripts/slurm_cluster.sh start "$out/cluster")
eval "$cluster"

mkdir "$out/slurm" "$out/local"
cat >"$out/eight.yaml" <<'YAML'
base:
  out: eight
  device: cpu
  data: {dataset: synthetic10, max_per_class: 100}
  model: {name: resnet8}
  train: {epochs: 12, batch: 32, eval_every: 2, checkpoint_every: 5}
grid:
  data.imbalance: [20, 10]
  loss: [{name: softmax}, {name: focal, gamma: 1, beta: 0.99}]
  seed: [0, 1]
slurm: {time: "1:00:00", cpus: 1, setup: ["echo the setup ran"]}
YAML
cat >"$out/stages.yaml" <<'YAML'
base:
  out: stages
  device: cpu
  data: {dataset: synthetic10, max_per_class: 60, imbalance: 5}
  model: {name: resnet8}
  train: {epochs: 2, batch: 32}
rows:
  softmax:
  cRT: {data.sampler: class, train: {init_from: softmax, fresh: classifier, freeze: features, epochs: 1}}
grid:
  seed: [0, 1]
YAML
cd "$out/slurm"
longtail() { "$root/bin/longtail" "$@"; }
eight=(longtail sweep ../eight.yaml --launcher slurm)

echo "-- a partition that does not exist"
if "${eight[@]}" slurm.partition=nope >refused 2>&1; then fail "a bad partition was accepted"; fi
grep -q "invalid partition specified: nope" refused && grep -q "nothing was submitted" refused || { cat refused; fail "not a clear error"; }
[ -z "$(find . -name '*.json')" ] && [ -z "$(squeue -h)" ] || fail "something was half submitted"

echo "-- 8 runs in one array, submitted once"
"${eight[@]}"
"${eight[@]}" 2>&1 | tee again
grep -q "nothing to submit" again || fail "submitted twice"
job=$(squeue -h -o %F | sort -u)

folder_of() { sed -n "s/^$1) runs=(\(.*\)) ;;\$/\1/p" eight/slurm/*.sbatch | tail -1; }
# element_on NODE [EXCEPT]: waits until an element runs there that has a checkpoint to resume from, and prints its index.
element_on() {
  local index
  for _ in $(seq 300); do
    index=$(squeue -h -r -t running -w "$1" -o %K)
    if [ -n "$index" ] && [ "$index" != "${2:-}" ] && [ -e "$(folder_of "$index")/checkpoints/last.safetensors" ]; then
      echo "$index"
      return
    fi
    sleep 0.1
  done
  squeue >&2
  fail "no element with a checkpoint on $1"
}

preempted=$(element_on n1)
cut_off=$(element_on n2)
echo "-- element $preempted is preempted, the node of element $cut_off dies"
scontrol requeue "${job}_$preempted"
"$root/scripts/slurm_cluster.sh" fail "$out/cluster" n2
warned=$(element_on n1 "$preempted")
echo "-- element $warned is warned, as before its time limit"
kill -TERM "$(pgrep -o -f "$out/cluster/spool/n1/job")" # the batch script alone, as --signal=B:TERM does
for _ in $(seq 600); do
  [ -z "$(sinfo -h -n n2 -t down -o %n)" ] || break
  sleep 0.1
done
[ -n "$(sinfo -h -n n2 -t down -o %n)" ] || fail "the death of n2 was not noticed"
"$root/scripts/slurm_cluster.sh" revive "$out/cluster" n2

"${eight[@]}" --wait

echo "-- second stages, all runs in one element"
longtail sweep ../stages.yaml --launcher slurm --jobs 2 --wait
sleep 1
[ -z "$(squeue -h)" ] || { squeue; fail "the queue is not empty"; }

echo "-- the same sweeps without Slurm"
cd "$out/local"
longtail sweep ../eight.yaml --jobs 2 --quiet >/dev/null
longtail sweep ../stages.yaml --jobs 2 --quiet >/dev/null

files=(config.yaml split.json metrics.jsonl summary.json checkpoints/last.safetensors checkpoints/best.safetensors)
compared=0
for run in eight/* stages/*; do
  for file in "${files[@]}"; do cmp "$run/$file" "../slurm/$run/$file"; done
  compared=$((compared + 1))
done
[ "$compared" = 12 ] || fail "$compared runs were compared, not 12"
echo "$compared runs: the same bytes as without Slurm"

# An epoch that was computed has a line in timing.jsonl. A run that was cut off may repeat the epoch that was not saved; others repeat none.
cd "$out/slurm"
for index in $(seq 0 7); do
  run=$(folder_of "$index") repeated=0
  case " $preempted $cut_off $warned " in *" $index "*) repeated=1 ;; esac
  extra=$(($(wc -l <"$run/timing.jsonl") - $(wc -l <"$run/metrics.jsonl")))
  [ "$extra" -le "$repeated" ] || fail "$run computed $extra epochs twice"
  starts=$(grep -c "^${run##*/} begins" eight/slurm/"${job}_$index".log) resumed=$(grep -c "^${run##*/} resumes" eight/slurm/"${job}_$index".log || true)
  [ $((starts - resumed)) = 1 ] && [ "$resumed" = "$repeated" ] || fail "$run began $starts times and resumed $resumed times"
done
grep -q "the setup ran" eight/slurm/"${job}_0".log || fail "the setup did not run"
echo "no run was trained twice; elements $preempted, $cut_off and $warned resumed"
