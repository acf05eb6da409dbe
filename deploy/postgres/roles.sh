#!/bin/sh
# Two roles and a database: atlas_owner migrates and makes backups, atlas_app serves and cannot drop a trigger.
# The image of PostgreSQL runs it once, when its folder is empty. By hand it needs PGHOST, PGUSER … of a superuser.
set -eu
psql --set ON_ERROR_STOP=1 --set owner="$ATLAS_OWNER_PASSWORD" --set serving="$ATLAS_SERVING_PASSWORD" \
    --set database="${ATLAS_DATABASE:-atlas}" --quiet --dbname postgres <<'SQL'
SELECT 'CREATE ROLE atlas_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_owner') \gexec
SELECT 'CREATE ROLE atlas_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_app') \gexec
ALTER ROLE atlas_owner PASSWORD :'owner';
ALTER ROLE atlas_app PASSWORD :'serving';
SELECT format('CREATE DATABASE %I OWNER atlas_owner ENCODING ''UTF8'' TEMPLATE template0', :'database')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO atlas_app;
SQL
