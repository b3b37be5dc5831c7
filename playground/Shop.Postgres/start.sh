#!/bin/sh
# A PostgreSQL of this run's own: a new data folder, one database, a password from the AppHost; all gone when it stops.
#   start.sh BIN_FOLDER
# PGPORT, PGDATABASE, PGUSER and PGPASSWORD name what is made. Run as root, the server runs as the user "postgres" or "nobody".
set -eu
bin=$1
port=$PGPORT
base=${TMPDIR:-/tmp}

# Folders of runs that were killed before they could clean up.
for old in "$base"/shop-postgres.*; do
  [ -d "$old" ] || continue
  kill -0 "${old##*.}" 2>/dev/null || rm -rf "$old"
done

folder=$base/shop-postgres.$$
mkdir -m 0700 "$folder"
printf '%s' "$PGPASSWORD" > "$folder/password"
as=
if [ "$(id -u)" = 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  chown -R "$user" "$folder"
  as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
fi
cd "$folder"

# No sync to disk anywhere: the data does not outlive the run.
$as "$bin/initdb" --pgdata="$folder/data" --username="$PGUSER" --pwfile="$folder/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >/dev/null
rm -f "$folder/password"
printf 'CREATE DATABASE "%s"\n' "$PGDATABASE" | $as "$bin/postgres" --single -D "$folder/data" postgres >/dev/null

$as "$bin/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off &
server=$!
# SIGINT is PostgreSQL's "fast": clients are told, nothing is waited for.
trap 'kill -INT "$server" 2>/dev/null' TERM INT HUP
status=0
wait "$server" || status=$?
while kill -0 "$server" 2>/dev/null; do wait "$server" || status=$?; done
rm -rf "$folder"
exit "$status"
