#!/bin/sh
# Sees to it that this machine has what tali needs, and is quiet when it has.
#
#   scripts/needs.sh build    Go
#   scripts/needs.sh run      and a PostgreSQL server, 15 or newer
#   scripts/needs.sh test     and a C compiler, for Go's race detector, and
#                             Chromium, in which the offline page is tested
#   scripts/needs.sh peers    as run, and gammu-smsd and smstools to compare with
#
# Without Chromium those tests alone are skipped, as is a peer that cannot be
# had, and it is said aloud. The peers' own services are not started: they would
# take a modem that is plugged in.
#
# On Debian and its relatives, as root or with sudo, what is missing is
# installed with apt-get: PostgreSQL without a cluster of its own, as tali
# starts its private one. Otherwise one line says what to install.
set -eu

for_what=${1:-run}
root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf 'tali: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# at_least HAVE WANT: is version HAVE not older than WANT?
at_least() {
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check_go() {
	want=$(sed -n 's/^go //p' "$root/go.mod")
	remedy="install it from https://go.dev/dl/ and put its bin directory in PATH (Debian's is too old)"
	command -v go >/dev/null 2>&1 || die "Go $want or newer is missing: $remedy"
	# In the module's directory a Go since 1.21 fetches the version that go.mod
	# names by itself; an older one does not know how.
	if ! have=$(cd "$root" && go version 2>&1); then
		die "Go $want or newer is needed ($(printf '%s' "$have" | tail -n 1)): $remedy"
	fi
	have=$(printf '%s\n' "$have" | sed -n 's/^go version go\([0-9.]*\).*/\1/p')
	[ -z "$have" ] || at_least "$have" "$want" || # a development version has no number
		die "Go $want or newer is needed, this is $have: $remedy"
}

# The same places, in the same order, as in db/cluster/binaries.go.
has_postgres() {
	old_ifs=$IFS
	IFS=:
	# shellcheck disable=SC2086 # split at the colons
	set -- $PATH
	IFS=$old_ifs
	for dir in "$@" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/local/pgsql/bin; do
		if [ ! -x "$dir/postgres" ] || [ ! -x "$dir/initdb" ]; then continue; fi
		major=$("$dir/postgres" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
		[ "${major:-0}" -ge 15 ] && return 0
	done
	return 1
}

has_compiler() {
	printf '#include <stdlib.h>\nint main(void) { return 0; }\n' |
		${CC:-gcc} -x c -o /dev/null - >/dev/null 2>&1
}

no_optional() {
	case $for_what in
	peers) say "NOT COMPARED here: $optional ($*)" ;;
	*) say "NOT TESTED here: the offline page, as there is no chromium ($*)" ;;
	esac
	exit 0
}

missing=
optional=
case $for_what in
build | run | test | peers) ;;
*) die "needs.sh: build, run, test or peers, not $for_what" ;;
esac
check_go
[ "$for_what" = build ] || has_postgres || missing="postgresql"
[ "$for_what" != test ] || has_compiler || missing="$missing gcc libc6-dev"
[ "$for_what" != test ] || command -v chromium >/dev/null 2>&1 || optional=chromium
if [ "$for_what" = peers ]; then
	command -v gammu-smsd >/dev/null 2>&1 || optional="gammu-smsd"
	command -v smsd >/dev/null 2>&1 || [ -x /usr/sbin/smsd ] || optional="$optional smstools"
	optional=${optional# }
fi
missing=${missing# }
[ -n "$missing$optional" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1 || [ ! -e /etc/debian_version ]; then
	[ -n "$missing" ] || no_optional "install it with your system's package manager"
	what=
	case $missing in *postgresql*) what="the PostgreSQL server, 15 or newer" ;; esac
	case $missing in *gcc*) what="$what${what:+, and }a C compiler with the C library's headers" ;; esac
	die "install with your system's package manager: $what"
fi

# sudo asks for a password only where a person can give one.
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
	sudo=sudo
elif [ -z "$missing" ]; then
	no_optional "neither root nor sudo here to install it; as root: apt-get install $optional"
else
	die "missing, and neither root nor sudo here to install it; as root: apt-get install $missing"
fi

log=$(mktemp)
no_cluster=/etc/postgresql-common/createcluster.d/tali-no-cluster.conf
wrote_no_cluster=
no_start=/usr/sbin/policy-rc.d
wrote_no_start=
cleanup() {
	[ -z "$wrote_no_start" ] || $sudo rm -f "$no_start"
	[ -z "$wrote_no_cluster" ] || $sudo rm -f "$no_cluster"
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# apt is quiet: what it says goes to the log.
apt() {
	# shellcheck disable=SC2086 # $sudo is empty or words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1
}

# The server's package has its version in its name.
server_package() {
	apt-cache search --names-only '^postgresql-[0-9]+$' | awk '
		{ split($1, part, "-"); v = part[2] + 0 }
		v == 15 { found = 15; exit }
		v > 15 && v > found { found = v }
		END { if (found) print "postgresql-" found }'
}

say "installing with apt-get: $missing${missing:+ }$optional"
apt update || say "apt-get update failed (a source that does not answer?), trying with what it knows"
case $missing in
*postgresql*)
	server=$(server_package)
	[ -n "$server" ] || die "this system's packages have no PostgreSQL 15 or newer: see https://www.postgresql.org/download/linux/"
	missing=$(printf '%s' "$missing" | sed "s/postgresql/$server/")
	# Read when the server's package is configured, and removed again: whoever
	# installs PostgreSQL later gets Debian's usual behaviour.
	if [ ! -e "$no_cluster" ]; then
		$sudo mkdir -p "${no_cluster%/*}"
		wrote_no_cluster=yes
		echo 'create_main_cluster = false' | $sudo tee "$no_cluster" >/dev/null
	fi
	;;
esac
# shellcheck disable=SC2086 # a list of packages
[ -z "$missing" ] || apt install -y --no-install-recommends $missing </dev/null || {
	cat "$log" >&2
	die "apt-get could not install $missing (its words are above)"
}

[ "$for_what" = build ] || has_postgres || die "apt-get installed $missing, but no PostgreSQL 15 or newer is found"
[ "$for_what" != test ] || has_compiler || die "apt-get installed $missing, but ${CC:-gcc} does not compile"
[ -n "$optional" ] || exit 0
# Debian's packages ask this program before they start a service; 101 is no.
if [ "$for_what" = peers ] && [ ! -e "$no_start" ]; then
	wrote_no_start=yes
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$no_start" >/dev/null
	$sudo chmod 755 "$no_start"
fi
# shellcheck disable=SC2086 # a list of packages
apt install -y --no-install-recommends $optional </dev/null || no_optional "apt-get could not install it"
if [ "$for_what" = peers ] && command -v systemctl >/dev/null 2>&1; then # nor at the next start of the machine
	# shellcheck disable=SC2086 # a list of services
	$sudo systemctl disable $optional >"$log" 2>&1 || say "systemctl could not disable $optional: see that it takes no modem of yours"
fi
