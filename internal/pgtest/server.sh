# Runs a PostgreSQL server until standard input is closed. The server's programs are in
# the folder $1. Writes "ready" and the server's folder, or an error. Each line of input is
# a mode of pg_ctl: the server is restarted in that mode, with the same kind of answer.
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/smsplus-pgtest.XXXXXX")
trap 'rm -rf "$dir"' EXIT

cluster() {
	"$1/initdb" --pgdata="$dir/data" --username=smsplus --auth=trust --encoding=UTF8 --no-sync "$2" "$3"
}

# The default collation is not the order of bytes, so that a query which relies on that
# order fails. PostgreSQL 14 has no such option.
{
	{ cluster "$1" --locale-provider=icu --icu-locale=en-US || cluster "$1" --locale=C --locale=C; } &&
		cat >>"$dir/data/postgresql.conf" <<-CONF &&
			listen_addresses = ''
			unix_socket_directories = '$dir'
			max_connections = 200
			fsync = off
			full_page_writes = off
			synchronous_commit = off
		CONF
		"$1/pg_ctl" --pgdata="$dir/data" --log="$dir/log" --silent --wait start
} >"$dir/start" 2>&1 || {
	cat "$dir/start" "$dir/log" 2>/dev/null || true
	exit 1
}
echo "ready $dir"
while read -r mode; do
	if "$1/pg_ctl" --pgdata="$dir/data" --log="$dir/log" --mode="$mode" --silent --wait restart >"$dir/start" 2>&1; then
		echo "ready $dir"
	else
		tail -n 5 "$dir/start" "$dir/log" | tr '\n' ' '
		echo
	fi
done
"$1/pg_ctl" --pgdata="$dir/data" --mode=immediate --silent --wait stop
