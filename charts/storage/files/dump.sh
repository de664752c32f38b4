# Dump the databases in $DATABASES into a folder of this run's own, which only the containers of this
# pod are told; `backup` makes it a whole one.
set -eu
umask 077
exec 9> /backup/lock
flock --nonblock 9 || { echo "another backup or restore is at work on this volume; start this one when it has ended" >&2; exit 1; }
PGPASSWORD=$(cat /run/secrets/postgresql/postgres-password)
export PGPASSWORD
rm -rf /backup/partial*
partial=$(mktemp -d /backup/partial-XXXXXX)
mkdir "$partial/databases"
for name in $DATABASES; do
  echo "dumping database $name"
  pg_dump --format=custom --file="$partial/databases/$name.dump" "$name"
done
echo "$partial" > /tmp/partial
