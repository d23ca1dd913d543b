#!/bin/sh
# A rehearsal with Patroni: three etcd, two PostgreSQL under Patroni and HAProxy on
# loopback, made of the files in deploy/patroni, and a real gateway with virtual
# modems whose primary's machine dies (kill -9 of all its processes) round after
# round. Debian's patroni, etcd-server, haproxy and postgresql-15 must be there.
set -eu

cd "$(dirname "$0")/.."
here=$PWD
servers=/usr/lib/postgresql/15/bin
etcd=17379   # 17379 17381 17383 for clients, the odd one above each for peers
pg=17432     # 17433 17434
api=17007    # 17008 17009
proxy=17500

# node N starts the database machine N: Patroni, which starts PostgreSQL, as
# somebody who may run it.
node() {
	if [ "$(id -u)" = 0 ]; then
		setsid setpriv --reuid=postgres --regid=postgres --init-groups patroni "$dir/db$1.yml" >>"$dir/db$1.log" 2>&1 &
	else
		setsid patroni "$dir/db$1.yml" >>"$dir/db$1.log" 2>&1 &
	fi
	echo $! >"$dir/db$1.pid"
}

# leader prints the number of the machine that leads, as Patroni says.
leader() {
	for n in 1 2; do
		if curl -fsS -o /dev/null "http://127.0.0.1:$((api + n))/primary" 2>/dev/null; then
			echo "$n"
			return
		fi
	done
	return 1
}

# await SECONDS WHAT COMMAND... runs a command until it succeeds.
await() {
	left=$1 what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		if [ "$left" -le 0 ]; then
			echo "$what: not there yet, see the logs in $dir" >&2
			return 1
		fi
		sleep 1
	done
}

# paired succeeds when a synchronous standby streams from a leader.
paired() {
	n=$(leader) && curl -fsS "http://127.0.0.1:$((api + n))/cluster" | grep -q '"role": "sync_standby", "state": "\(running\|streaming\)"'
}

# strike kills every process of the machine that leads, as a pulled plug would.
strike() {
	n=$(leader)
	echo "$n" >"$dir/dead"
	postmaster=$(sed -n 1p "$dir/db$n/postmaster.pid")
	children=$(ps -o pid= --ppid "$postmaster")
	# shellcheck disable=SC2086 # a list of numbers
	kill -9 "$(cat "$dir/db$n.pid")" "$postmaster" $children 2>/dev/null || true
}

# heal switches the dead machine on again; Patroni makes a standby of it.
heal() {
	node "$(cat "$dir/dead")"
	await 120 "the standby" paired
}

found() {
	peers=
	clients=
	for n in 1 2 3; do
		peers=$peers,e$n=http://127.0.0.1:$((etcd + 2 * n - 1))
		clients=$clients,127.0.0.1:$((etcd + 2 * n - 2))
	done
	for n in 1 2 3; do
		client=http://127.0.0.1:$((etcd + 2 * n - 2)) peer=http://127.0.0.1:$((etcd + 2 * n - 1))
		etcd --name "e$n" --data-dir "$dir/e$n" --listen-client-urls "$client" --advertise-client-urls "$client" \
			--listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "${peers#,}" >"$dir/e$n.log" 2>&1 &
		echo $! >"$dir/e$n.pid"
	done
	for n in 1 2; do
		sed -e "s|^name: .*|name: db$n|" -e "s|:8008|:$((api + n))|" -e "s|hosts: .*|hosts: ${clients#,}|" \
			-e "s|:5433|:$((pg + n))|" -e "s|/var/lib/postgresql/tali\$|$dir/db$n|" -e "s|/var/lib/postgresql/tali.pgpass|$dir/db$n.pgpass|" \
			-e "s|CHANGE-ME[A-Z-]*|$secret|" -e "s|- local all postgres peer|- local all all trust|" deploy/patroni/patroni.yml >"$dir/db$n.yml"
		printf '  parameters: {unix_socket_directories: %s}\n' "$dir" >>"$dir/db$n.yml"
		if [ "$(id -u)" = 0 ]; then chown postgres "$dir/db$n.yml"; fi
	done
	node 1
	await 60 "the first PostgreSQL" leader
	node 2
	await 120 "the standby" paired
	sed -e "s|:5000|:$proxy|" -e "s|:5433|:$((pg + 1))|" -e "s|:5434|:$((pg + 2))|" -e "s|8008|$((api + 1))|" -e "s|8009|$((api + 2))|" \
		deploy/patroni/haproxy.cfg >"$dir/haproxy.cfg"
	haproxy -db -f "$dir/haproxy.cfg" >"$dir/haproxy.log" 2>&1 &
	echo $! >"$dir/haproxy.pid"
	printf '*:*:*:*:%s\n' "$secret" >"$dir/pgpass"
	chmod 600 "$dir/pgpass"
	export PGPASSFILE="$dir/pgpass"
	super="host=127.0.0.1 port=$proxy user=postgres dbname=postgres" # HAProxy knows who leads
	await 30 "HAProxy" "$servers/psql" "$super" -c 'SELECT 1'
	for role in tali_owner tali_gateway tali_desk tali_results_reader; do
		"$servers/psql" -q "$super" -c "CREATE ROLE $role LOGIN PASSWORD '$secret'"
	done
	"$servers/psql" -q "$super" -c "CREATE ROLE tali_area NOLOGIN" -c "GRANT tali_area TO tali_desk"
	"$servers/psql" -q "$super" -c "CREATE DATABASE tali OWNER tali_owner ENCODING 'UTF8' TEMPLATE template0"
}

# leave ends what was started here, the databases first, and removes it; after a
# failure the logs stay.
leave() {
	how=$?
	for name in db1 db2 haproxy e1 e2 e3; do
		if [ -f "$dir/$name.pid" ]; then
			pid=$(cat "$dir/$name.pid")
			kill "$pid" 2>/dev/null || true
			await 30 "the end of $name" ended "$pid" || true
		fi
	done
	if [ "$how" = 0 ]; then
		rm -rf "$dir"
	else
		echo "the logs are in $dir" >&2
	fi
}

ended() { ! kill -0 "$1"; }

if [ "${1:-}" = strike ] || [ "${1:-}" = heal ]; then # as the rehearsal calls it back
	dir=$2
	"$1"
	exit
fi
for program in patroni etcd haproxy curl "$servers/postgres"; do
	if ! command -v "$program" >/dev/null; then
		echo "$program is missing: apt-get install patroni etcd-server haproxy curl postgresql-15" >&2
		exit 1
	fi
done
tali=${1:?the program} rounds=${2:?how many rounds}
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
dir=$(mktemp -d /tmp/tali-patroni-XXXXXX)
chmod 777 "$dir"
trap leave EXIT
trap 'exit 130' INT TERM
found
"$tali" migrate --owner "host=127.0.0.1 port=$proxy user=tali_owner dbname=tali sslmode=disable" </dev/null
"$tali" bench failover --dir "$dir" --rounds "$rounds" --centre "host=127.0.0.1,127.0.0.1 port=$((pg + 1)),$((pg + 2)) dbname=tali sslmode=disable" \
	--strike "$here/scripts/patroni.sh strike $dir" --heal "$here/scripts/patroni.sh heal $dir"
