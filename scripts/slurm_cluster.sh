#!/usr/bin/env bash
# A real Slurm of two nodes with one processor each, on the loopback of this machine, for tests. It needs the programs of Debian's packages
# slurmctld, slurmd, slurm-client and munge, and nothing of their settings: key, sockets, state and logs are below FOLDER.
#
#   eval "$(scripts/slurm_cluster.sh start FOLDER)"   sets SLURM_CONF: sbatch, squeue, scontrol and scancel work in this shell
#   scripts/slurm_cluster.sh fail FOLDER n2           a node dies: its daemon and all processes of its jobs
#   scripts/slurm_cluster.sh revive FOLDER n2         it comes back
#   scripts/slurm_cluster.sh stop FOLDER
set -euo pipefail
verb=$1 folder=$(mkdir -p "$2" && cd "$2" && pwd)
export SLURM_CONF=$folder/slurm.conf
PATH=$PATH:/usr/sbin:/sbin

# write_conf: SlurmdTimeout and cred_expire are short, so that a job of a dead node is requeued after seconds and begins again (Slurm delays
# it by the life of its credential, two minutes by default).
write_conf() {
  local host port
  host=$(hostname -s) port=$((20000 + $$ % 10000))
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/%n.log
SlurmctldPort=$port
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=5
KillWait=10
JobRequeue=1
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=1 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
}

start_munged() {
  dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
  chmod 600 "$folder/munge.key"
  munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/munge.seed" 2>"$folder/log/munged.start"
}

# wait_idle N: until N nodes are idle.
wait_idle() {
  for _ in $(seq 150); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = "$1" ] && return
    sleep 0.2
  done
  echo "no $1 idle nodes after 30 s; see $folder/log" >&2
  return 1
}

case $verb in
start)
  mkdir -p "$folder"/{state,log,spool/n1,spool/n2}
  write_conf
  start_munged
  slurmctld -f "$SLURM_CONF" >&2
  for node in n1 n2; do slurmd -N "$node" -f "$SLURM_CONF" >&2; done
  wait_idle 2
  echo "export SLURM_CONF=$SLURM_CONF"
  ;;
fail)
  kill -9 "$(cat "$folder/$3.pid")"
  # The keeper of a job goes before the session that it leads: it would report how the job ended.
  for script in $(pgrep -f "$folder/spool/$3/job" || true); do
    kill -9 "$(ps -o ppid= -p "$script" | tr -d ' ')" 2>/dev/null || true
    pkill -9 -s "$(ps -o sid= -p "$script" | tr -d ' ')" 2>/dev/null || true
  done
  ;;
revive) slurmd -N "$3" -f "$SLURM_CONF" >&2 ;;
stop)
  for pid in "$folder"/{n1,n2,slurmctld,munged}.pid; do
    [ -f "$pid" ] || continue
    process=$(cat "$pid")
    kill "$process" 2>/dev/null || continue
    for _ in $(seq 100); do # its files may be removed once it has ended
      kill -0 "$process" 2>/dev/null || break
      sleep 0.1
    done
  done
  ;;
*)
  echo "usage: $0 start|fail|revive|stop FOLDER [NODE]" >&2
  exit 2
  ;;
esac
