# Load the dumps of the backup that `choose` verified and named in /tmp/chosen, of the databases in
# $DATABASES. Each goes into a database beside the old one, which is replaced only by a whole one.
set -eu
exec 9> /backup/lock
flock --nonblock 9 || { echo "another backup or restore is at work on this volume; start this one when it has ended" >&2; exit 1; }
PGPASSWORD=$(cat /run/secrets/postgresql/postgres-password)
export PGPASSWORD PGOPTIONS="-c client_min_messages=warning"
folder=/backup/$(cat /tmp/chosen)/databases
for name in $DATABASES; do
  dump=$folder/$name.dump
  if [ ! -e "$dump" ]; then
    echo "the backup has no database $name; it stays as it is"
    continue
  fi
  echo "restoring database $name"
  dropdb --if-exists --force "${name}_restoring"
  createdb --owner="$name" --template=template0 "${name}_restoring"
  pg_restore --exit-on-error --no-owner --role="$name" --dbname="${name}_restoring" "$dump"
  dropdb --if-exists --force "$name"
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=postgres \
    --command="alter database \"${name}_restoring\" rename to \"$name\""
done
