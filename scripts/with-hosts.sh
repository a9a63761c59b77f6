#!/usr/bin/env bash
# Runs an MPI program over several "hosts" of this machine: network namespaces, each with a host name
# and an address of its own, joined by a switch. Makes them, runs, and removes them.
#
#   scripts/with-hosts.sh HOSTS RANKS [--rate 1gbit] [--mca NAME VALUE]… PROGRAM [ARGUMENTS]
#
# Ranks are dealt to the hosts in runs. Messages between hosts go by TCP through the switch, shaped to
# a rate if one is given. Needs root and iproute2; where namespaces are not permitted it says so and
# ends with 77.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/environment.sh"

if (($# < 3)); then
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
hosts=$1 ranks=$2
shift 2
rate='' options=()
while (($# > 0)); do
  case $1 in
    --rate) rate=$2; shift 2 ;;
    --mca) options+=(--mca "$2" "$3"); shift 3 ;;
    --map-by) options+=(--map-by "$2"); shift 2 ;;
    *) break ;;
  esac
done

name="lockstep$$"
folder=$(mktemp -d)
made=()
cleanup() {
  for namespace in "${made[@]}"; do
    # Only what was started inside the namespaces made here.
    for process in $(ip netns pids "$namespace" 2>/dev/null); do kill -9 "$process" 2>/dev/null || true; done
    ip netns delete "$namespace" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap cleanup EXIT

if ((EUID != 0)) || ! command -v ip >/dev/null || ! ip netns add "$name-switch" 2>/dev/null; then
  echo "with-hosts: skipped: network namespaces need root, iproute2 and the kernel's permission" >&2
  exit 77
fi
made+=("$name-switch")
ip -n "$name-switch" link add switch type bridge
ip -n "$name-switch" link set switch up
ip -n "$name-switch" link set lo up
list=
for ((host = 1; host <= hosts; host++)); do
  namespace="$name-$host"
  ip netns add "$namespace"
  made+=("$namespace")
  ip -n "$namespace" link set lo up
  ip link add "port" netns "$name-switch" type veth peer name eth0 netns "$namespace"
  ip -n "$name-switch" link set port name "port$host"
  ip -n "$name-switch" link set "port$host" master switch up
  ip -n "$namespace" addr add "10.77.0.$host/24" dev eth0
  ip -n "$namespace" link set eth0 up
  if [[ -n $rate ]]; then
    ip netns exec "$namespace" tc qdisc add dev eth0 root tbf rate "$rate" burst 256kb latency 50ms
  fi
  slots=$((ranks / hosts + (host <= ranks % hosts ? 1 : 0)))
  ((slots == 0)) || list+="${list:+,}10.77.0.$host:$slots"
done

# The remote agent: enters the namespace of an address and runs there under a host name of its own.
cat >"$folder/agent" <<AGENT
#!/usr/bin/env bash
host=\${1##*.}
shift
exec ip netns exec "$name-\$host" unshare --uts sh -c "hostname $name-\$host; \$*"
AGENT
chmod +x "$folder/agent"

export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_hwloc_base_binding_policy=none
ip netns exec "$name-1" unshare --uts sh -c "hostname $name-1; exec \"\$@\"" sh \
  mpirun --host "$list" -n "$ranks" --mca plm_rsh_agent "$folder/agent" \
  --mca plm_rsh_no_tree_spawn 1 --mca btl_tcp_if_include 10.77.0.0/24 \
  --mca oob_tcp_if_include 10.77.0.0/24 "${options[@]}" "$@"
