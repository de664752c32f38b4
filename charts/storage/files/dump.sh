# Dump every database but the server's own into /backup/partial; `backup` makes it a whole one.
set -eu
umask 077
PGPASSWORD=$(cat /run/secrets/postgresql/postgres-password)
export PGPASSWORD
rm -rf /backup/partial
mkdir -p /backup/partial/databases
psql --no-psqlrc --tuples-only --no-align --dbname=postgres --command="
  select datname from pg_database
  where datallowconn and not datistemplate and datname <> 'postgres' and datname !~ '_restoring$'
  order by datname" > /tmp/names
while read -r name; do
  echo "dumping database $name"
  pg_dump --format=custom --file="/backup/partial/databases/$name.dump" "$name"
done < /tmp/names
