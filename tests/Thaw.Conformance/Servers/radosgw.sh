#!/usr/bin/env bash
# Starts Ceph on 127.0.0.1, one monitor, one OSD and the S3 gateway, and returns when the gateway has been started.
#   radosgw.sh FOLDER OWNER GATEWAY-PORT MONITOR-PORT ACCESS-KEY SECRET-KEY [memstore | bluestore] \
#     [TLS-PORT CERTIFICATE]    the gateway listens there too, with a PEM file of certificate and key
# All state is below FOLDER. memstore keeps objects in memory (at most 6 GiB), bluestore in a sparse file.
# When the process OWNER ends, however it ends, the daemons are killed and FOLDER is removed.
# Debian packages: ceph-mon ceph-osd radosgw ceph-common
set -euo pipefail

folder=$1 owner=$2 gateway=$3 monitor=$4 access=$5 secret=$6 store=${7:-memstore} tls=${8:-} certificate=${9:-}
mkdir -p "$folder"/{mon,osd,gateway,log,socket}
cluster=$(cat /proc/sys/kernel/random/uuid)
frontends="beast endpoint=127.0.0.1:$gateway"
[ -z "$tls" ] || frontends+=" ssl_endpoint=127.0.0.1:$tls ssl_certificate=$certificate ssl_private_key=$certificate"
export CEPH_CONF="$folder/ceph.conf"

# Pids are only trusted while they name a Ceph daemon.
cat > "$folder/stop.sh" <<'STOP'
#!/usr/bin/env bash
folder=$1
for file in "$folder"/*.pid; do
  pid=$(cat "$file") && grep -qE '^(ceph-|radosgw)' "/proc/$pid/comm" 2> /dev/null && kill -9 "$pid"
done
rm -rf "$folder"
STOP
setsid bash -c 'tail --pid="$1" -f /dev/null; exec bash "$2/stop.sh" "$2"' watch "$owner" "$folder" \
  > /dev/null 2>&1 < /dev/null &

# Without cephx the daemons hang. The placement groups are few because every one costs start-up time; the full ratios are
# high because the disk of a test machine may well be nearly full of other things.
cat > "$CEPH_CONF" <<CONF
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$monitor/0]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
ms bind msgr1 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $folder/keyring
run dir = $folder/socket
admin socket = $folder/socket/\$name.asok
pid file = $folder/\$name.pid
log file = $folder/log/\$name.log
log to stderr = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 1
mon data avail crit = 1
mon osd full ratio = 0.99
mon osd nearfull ratio = 0.98
mon osd backfillfull ratio = 0.985
osd objectstore = $store
memstore device bytes = 6442450944
bluestore block size = 17179869184
bluestore block create = true
bluestore fsck on mount = false
osd memory target = 939524096
[mon]
mon data = $folder/mon
[osd]
osd data = $folder/osd
[client.gateway]
rgw data = $folder/gateway
rgw frontends = $frontends
rgw dns name = localhost
rgw crypt require ssl = false
rgw enable usage log = false
rgw enable ops log = false
rgw gc max objs = 4
rgw thread pool size = 64
debug rgw = 1/1
CONF

{
  ceph-authtool --create-keyring "$folder/keyring" --gen-key --name mon. --cap mon 'allow *'
  ceph-authtool "$folder/keyring" --gen-key --name client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$monitor]" "$folder/monmap"
  ceph-mon --mkfs --id a --monmap "$folder/monmap" --keyring "$folder/keyring"
  ceph-mon --id a

  disk=$(cat /proc/sys/kernel/random/uuid)
  ceph --connect-timeout 20 osd new "$disk"
  ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' >> "$folder/keyring"
  ceph auth get-or-create client.gateway mon 'allow rw' osd 'allow rwx' >> "$folder/keyring"
  ceph-osd --id 0 --mkfs --osd-uuid "$disk"
  ceph osd crush add osd.0 1.0 root=default
  ceph-osd --id 0
  radosgw-admin user create --uid test --display-name test --access-key "$access" --secret-key "$secret"
  radosgw --name client.gateway
} > "$folder/log/start.log" 2>&1 < /dev/null || { tail -n 40 "$folder/log/start.log" >&2; exit 1; }
