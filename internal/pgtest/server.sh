# Runs a PostgreSQL server until standard input is closed. The server's programs are in
# the folder $1. Writes "ready" and the server's folder, or an error. Each line of input is
# a command, with the same kind of answer:
#
#   restart MODE   restarts the server in a mode of pg_ctl
#   standby        starts a standby of the server, which follows by streaming replication
#   failover       kills the server, and promotes the standby to be the server
#   bouncer MODE PROGRAM   starts PgBouncer between, with a mode of pooling
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/smsplus-pgtest.XXXXXX")
trap 'rm -rf "$dir"' EXIT

cluster() {
	"$1/initdb" --pgdata="$dir/data" --username=smsplus --auth=trust --encoding=UTF8 --no-sync "$2" "$3"
}

# The default collation is not the order of bytes, so that a query which relies on that
# order fails. PostgreSQL 14 has no such option. Without statistics the planner expects much of
# tables with partitions, and JIT would compile short queries for longer than they run.
{
	{ cluster "$1" --locale-provider=icu --icu-locale=en-US || cluster "$1" --locale=C --locale=C; } &&
		cat >>"$dir/data/postgresql.conf" <<-CONF &&
			listen_addresses = ''
			unix_socket_directories = '$dir'
			max_connections = 200
			fsync = off
			jit = off
			full_page_writes = off
			synchronous_commit = off
		CONF
		"$1/pg_ctl" --pgdata="$dir/data" --log="$dir/log" --silent --wait start
} >"$dir/start" 2>&1 || {
	cat "$dir/start" "$dir/log" 2>/dev/null || true
	exit 1
}
echo "ready $dir"
data=$dir/data
control() {
	"$bin/pg_ctl" --log="$dir/log" --silent --wait "$@"
}
standby() {
	mkdir "$dir/standby" &&
		"$bin/pg_basebackup" --host="$dir" --username=smsplus --pgdata="$dir/standby/data" --checkpoint=fast --write-recovery-conf --no-sync &&
		echo "unix_socket_directories = '$dir/standby'" >>"$dir/standby/data/postgresql.conf" &&
		control --pgdata="$dir/standby/data" start
}
failover() {
	control --pgdata="$dir/data" --mode=immediate stop && control --pgdata="$dir/standby/data" promote && data=$dir/standby/data
}
# Clients share few connections, so that two transactions of a client seldom have the same.
bouncer() {
	mkdir "$dir/$1" && cat >"$dir/$1/ini" <<-CONF && "$2" --daemon --quiet "$dir/$1/ini"
		[databases]
		* = host=$dir user=smsplus
		[pgbouncer]
		unix_socket_dir = $dir/$1
		listen_addr =
		pidfile = $dir/$1/pid
		logfile = $dir/log
		auth_type = any
		pool_mode = $1
		default_pool_size = 3
	CONF
}
bin=$1
while read -r command mode program; do
	case $command in
	restart) set -- control --pgdata="$data" --mode="$mode" restart ;;
	*) set -- "$command" "$mode" "$program" ;;
	esac
	if "$@" >"$dir/start" 2>&1; then
		echo "ready ${data%/data}"
	else
		tail -n 5 "$dir/start" "$dir/log" | tr '\n' ' '
		echo
	fi
done
for pid in "$dir"/*/pid; do
	[ ! -f "$pid" ] || kill "$(cat "$pid")"
done
for data in "$dir/data" "$dir/standby/data"; do
	if [ -f "$data/postmaster.pid" ]; then
		control --pgdata="$data" --mode=immediate stop
	fi
done
