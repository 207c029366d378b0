#!/bin/sh
# Installs a PostgreSQL server for the tests of pytest-postgresql where there is none: on Debian, with the right to.
# Without one these tests are skipped, so nothing here is an error.

command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
else
    as_root="sudo -n env"
fi
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
    echo "no PostgreSQL here, and nobody who may install it: its tests will be skipped"
    exit 0
fi
# The tests start servers of their own, on free ports. In this runlevel the package does not start one besides.
if ! said=$($as_root RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive sh -c '
    apt-get -qq update && apt-get -qq install --yes --no-install-recommends postgresql
' 2>&1); then
    echo "$said"
    echo "PostgreSQL could not be installed: its tests will be skipped"
fi
