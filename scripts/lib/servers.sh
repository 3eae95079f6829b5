# shellcheck shell=bash
# How private servers are installed, started and ended. Source it after common.sh, with STATE set to the folder of what
# lives as long as they do: their data, their logs, and NAME.pid for each process.

# The ports of one set of servers: a block of sixteen, below the range from which the system takes ports itself.
readonly PORTS_FROM=20000 PORTS_BLOCK=16 PORTS_BLOCKS=750
readonly AMQP=0 MANAGEMENT=1 DIST=2 EPMD=3 REDIS=4 S3=5 MONITOR=6 OSD=7 LAST=15

# port OFFSET: the port at this place in the block.
port() { echo $(($(cat "$STATE/ports") + $1)); }

# listening PORT: whether something on this machine answers there.
listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# claim_ports: takes a free block. The lock on its file is held by whoever has it open, which is every server that is
# started from here on: so the block is free again when the last of them has ended, however that came about.
claim_ports() {
    local folder=/tmp/langflix-ports.$EUID try block first offset lock
    mkdir -p "$folder"
    for ((try = 0; try < 100; try++)); do
        block=$((RANDOM % PORTS_BLOCKS))
        first=$((PORTS_FROM + block * PORTS_BLOCK))
        exec {lock}>"$folder/$first"
        if flock -n "$lock"; then
            for ((offset = 0; offset < PORTS_BLOCK; offset++)); do
                ! listening $((first + offset)) || continue 2
            done
            echo $first >"$STATE/ports"
            return
        fi
        exec {lock}>&-
    done
    die "no block of $PORTS_BLOCK free ports found from $PORTS_FROM on"
}

# without_services COMMAND...: runs it while no package may start a service; the policy that a machine has stays.
without_services() {
    local policy=/usr/sbin/policy-rc.d result=0
    [[ ! -e $policy ]] || {
        "$@"
        return
    }
    as_root bash -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" || return 1
    "$@" || result=$?
    as_root rm -f "$policy"
    return $result
}

# need_server COMMAND-OR-FILE PACKAGE SERVICE: as `need`, and the service that the package brings does not run.
need_server() {
    [[ ! -e $1 ]] && ! command -v "$1" >/dev/null || return 0
    without_services need "$1" "$2" || return 1
    if [[ -d /run/systemd/system ]]; then
        as_root systemctl disable --quiet --now "$3" || note "the service $3 could not be disabled; it is not used here"
    fi
}

need_servers() {
    need curl curl || exit 1
    need_server redis-server redis-server redis-server || exit 1
    need_server /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server rabbitmq-server || exit 1
    need_server ceph-mon ceph-mon ceph.target || exit 1
    need_server ceph-osd ceph-osd ceph.target || exit 1
    need_server radosgw radosgw ceph.target || exit 1
}

# identity PID: what tells a process from a later one with the same number, also after a restart of the machine.
identity() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    read -ra stat <<<"$stat"
    [[ ${stat[0]} != Z ]] || return 1
    echo "$1 ${stat[19]} $(cat /proc/sys/kernel/random/boot_id)"
}

# spawn NAME COMMAND...: starts a server that leads a process group of its own and writes to NAME.out.
spawn() {
    local name=$1
    shift
    setsid "$@" >"$STATE/$name.out" 2>&1 </dev/null 8>&- 9>&- &
    identity $! >"$STATE/$name.pid" || fail "$name"
}

# alive NAME: whether the process that was started by this name runs.
alive() {
    local known
    known=$(cat "$STATE/$1.pid" 2>/dev/null) || return 1
    [[ $(identity "${known%% *}") == "$known" ]]
}

# end NAME: what it kept is thrown away, so there is nothing to wait for.
end() {
    local pid
    if alive "$1"; then
        pid=$(cut -d' ' -f1 "$STATE/$1.pid")
        kill -KILL -- "-$pid" 2>/dev/null || true
        for ((i = 0; i < 200; i++)); do
            alive "$1" || break
            sleep 0.05
        done
        ! alive "$1" || note "$1 (process $pid) does not end"
    fi
    rm -f "$STATE/$1.pid"
}

# fail NAME: says what the server said last.
fail() {
    local log
    for log in "$STATE/$1.out" "$STATE/$1.log"; do
        [[ ! -s $log ]] || {
            note "the end of $log:"
            tail -n 20 "$log" | sed 's/^/    | /' >&2
        }
    done
    die "$1 did not start"
}

# await NAME SECONDS COMMAND...: until the command succeeds, the server has ended or the time is over.
await() {
    local name=$1 until=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        alive "$name" || fail "$name"
        ((SECONDS < until)) || fail "$name"
        sleep 0.1
    done
}

start_redis() {
    mkdir -p "$STATE/redis"
    spawn redis redis-server --port "$(port $REDIS)" --bind 127.0.0.1 --dir "$STATE/redis" --databases 4096 --save '' \
        --appendonly no
    await redis 20 listening "$(port $REDIS)"
}

start_rabbitmq() {
    # By its port mapper a node finds others, and its commands find the node.
    spawn epmd epmd -address 127.0.0.1 -port "$(port $EPMD)"
    await epmd 20 listening "$(port $EPMD)"
    spawn rabbitmq scripts/lib/rabbitmq-node langflix "$STATE/rabbitmq" \
        "$(port $AMQP)" "$(port $MANAGEMENT)" "$(port $DIST)" "$(port $EPMD)"
    await rabbitmq 120 curl -fsS -u guest:guest "http://127.0.0.1:$(port $MANAGEMENT)/api/health/checks/local-alarms"
}

# ceph_settings FSID: one monitor, one OSD that keeps objects in memory as they come, no authentication among them. For
# the rules by which objects expire a day has ten minutes: what tests leave behind would fill the memory of a long day.
ceph_settings() {
    cat <<CONF
[global]
fsid = $1
mon host = v1:127.0.0.1:$(port $MONITOR)
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
ms bind port min = $(port $OSD)
ms bind port max = $(port $LAST)
paxos propose interval = 0.05
auth cluster required = none
auth service required = none
auth client required = none
mon allow pool size one = true
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
osd objectstore = memstore
memstore device bytes = 8589934592
osd max object name len = 2048
osd max object namespace len = 256
mon data = $STATE/ceph/mon
mon data avail crit = 1
osd data = $STATE/ceph/osd
rgw data = $STATE/ceph/rgw
run dir = $STATE/ceph
admin socket =
pid file =
log file = $STATE/\$type.log
mon cluster log file = $STATE/ceph/cluster.log
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$(port $S3) tcp_nodelay=1
rgw dns name = localhost
rgw lc debug interval = 600
rgw gc obj min wait = 60
rgw gc processor period = 60
log file = $STATE/s3.log
CONF
}

# start_s3: Ceph's RADOS Gateway, which keeps to conditional writes and checks signatures.
start_s3() {
    local cluster conf=$STATE/ceph/ceph.conf
    cluster=$(cat /proc/sys/kernel/random/uuid)
    mkdir -p "$STATE"/ceph/{mon,osd,rgw}
    ceph_settings "$cluster" >"$conf"
    # The monitor begins with a map that has the OSD in it, so that nothing needs to be told to it by commands.
    {
        monmaptool -c "$conf" --create --fsid "$cluster" --addv a "[v1:127.0.0.1:$(port $MONITOR)]" "$STATE/ceph/monmap" &&
        osdmaptool -c "$conf" --createsimple 1 "$STATE/ceph/osdmap" &&
        ceph-mon -c "$conf" --mkfs -i a --monmap "$STATE/ceph/monmap" --osdmap "$STATE/ceph/osdmap"
    } >"$STATE/mon.out" 2>&1 || fail mon
    spawn mon ceph-mon -c "$conf" -i a -f
    await mon 20 listening "$(port $MONITOR)"
    timeout 60 ceph-osd -c "$conf" -i 0 --mkfs >"$STATE/osd.out" 2>&1 || fail osd
    spawn osd ceph-osd -c "$conf" -i 0 -f
    spawn s3 radosgw -c "$conf" -n client.rgw -f
    await s3 120 curl -sS -o /dev/null "http://127.0.0.1:$(port $S3)/"
    timeout 60 radosgw-admin -c "$conf" user create --uid=test --display-name=test --access-key=AK --secret-key=SK \
        --max-buckets=0 >"$STATE/user.out" 2>&1 || fail user
}
