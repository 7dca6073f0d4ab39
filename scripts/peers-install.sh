#!/bin/bash
# Installs the Debian packages that the peer tests and the bench use. Starts none of their services: the tests run them on
# loopback, from temporary directories. Does nothing when all of them are there. Cyrus IMAP, which cannot be installed beside
# Dovecot, is unpacked into a directory of its own (test/peers/cyrus.ts knows it).
set -euo pipefail

packages=(
  dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved dovecot-submissiond
  dovecot-sieve dovecot-ldap dovecot-mysql dovecot-pgsql dovecot-sqlite
  nginx libnginx-mod-mail perdition haproxy
  mariadb-server postgresql slapd ldap-utils redis-server
  fetchmail getmail6 isync offlineimap3 mutt roundcube-core roundcube-plugins roundcube-sqlite3 php-cli chromium thunderbird swaks sieve-connect postfix libauthen-sasl-perl
  sasl2-bin libical3 libwrap0 libpcre3 libxapian30
  curl openssl gcc libc6-dev libssl-dev
)

cyrus=/var/cache/postern-peers/cyrus
cyrus_packages=(cyrus-common cyrus-imapd cyrus-pop3d)

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ] && [ -e "$cyrus/usr/lib/cyrus/bin/pop3d" ]; then
  echo "peers: all packages are installed"
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "peers: these Debian packages are missing: ${missing[*]} (and perhaps ${cyrus_packages[*]})"
  echo "peers: installing them needs root and apt-get; tests that use them will be skipped"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q

if [ ${#missing[@]} -gt 0 ]; then
  echo "peers: installing ${missing[*]}"
  # The packages would start their services; policy-rc.d tells them not to.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

if [ ! -e "$cyrus/usr/lib/cyrus/bin/pop3d" ]; then
  echo "peers: unpacking ${cyrus_packages[*]} in $cyrus"
  mkdir -p "$cyrus/packages"
  chmod 755 "$cyrus"
  (cd "$cyrus/packages" && apt-get download -q "${cyrus_packages[@]}")
  for package in "$cyrus"/packages/*.deb; do dpkg -x "$package" "$cyrus"; done
  rm -r "$cyrus/packages"
fi
