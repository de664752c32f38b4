# Load every dump of the backup that `choose` verified and named in /backup/chosen. Each goes into a
# database beside the old one, which is replaced only by a whole one.
set -eu
PGPASSWORD=$(cat /run/secrets/postgresql/postgres-password)
export PGPASSWORD PGOPTIONS="-c client_min_messages=warning"
folder=/backup/$(cat /backup/chosen)/databases
for dump in "$folder"/*.dump; do
  name=$(basename "$dump" .dump)
  echo "restoring database $name"
  dropdb --if-exists --force "${name}_restoring"
  createdb --owner="$name" --template=template0 "${name}_restoring"
  pg_restore --exit-on-error --no-owner --role="$name" --dbname="${name}_restoring" "$dump"
  dropdb --if-exists --force "$name"
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=postgres \
    --command="alter database \"${name}_restoring\" rename to \"$name\""
done
