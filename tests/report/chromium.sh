#!/bin/sh
# Installs Chromium for the tests of the report where there is none: on Debian, with the right to. Without one these
# tests are skipped, so nothing here is an error.

command -v chromium || command -v chromium-browser || command -v google-chrome && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
else
    as_root="sudo -n env"
fi
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
    echo "no Chromium here, and nobody who may install it: its tests will be skipped"
    exit 0
fi
if ! said=$($as_root DEBIAN_FRONTEND=noninteractive sh -c '
    apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium fonts-dejavu-core
' 2>&1); then
    echo "$said"
    echo "Chromium could not be installed: its tests will be skipped"
fi
