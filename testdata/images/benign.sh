#!/bin/sh
# Makes trees of files without a miner in them, for TestBenign of package sbom, in the folder that is the only
# argument, one tree a folder:
#
#   - Debian packages, unpacked and as they are (.deb): shells, servers, languages, hash and network tools,
#     Monero's daemon and wallet, and programs that look for malware, with their rules
#   - Go programs that scan, with rules among their files
#   - npm packages, unpacked and as they are (.tgz), among them libraries for currencies
#
# It needs Debian or Ubuntu with the network for apt-get; Go and npm for the other two, which are left out
# without. Nothing that is downloaded is run. Then:
#
#   TIDEWAITER_BENIGN=FOLDER go test ./sbom -run TestBenign -v
set -u

out=${1:?usage: benign.sh FOLDER}
mkdir -p "$out"
out=$(cd "$out" && pwd)

for package in monero hashcat john hydra nmap nmap-common openssl libgcrypt20 libsodium23 coreutils gnupg argon2 \
	scrypt rkhunter chkrootkit lynis modsecurity-crs clamav yara suricata fail2ban unhide ssdeep aide samhain \
	postgresql-15 redis-server nginx-core python3.11-minimal libpython3.11-stdlib python3-pip perl-modules-5.36 ruby3.1 \
	nodejs libnode108 npm golang-1.19-go cargo openjdk-17-jre-headless maven git busybox-static curl wget bitcoind \
	electrum python3-ecdsa python3-scapy wireshark-common tcpdump ffmpeg libx265-199 dav1d linux-libc-dev publicsuffix; do
	[ -d "$out/deb-$package" ] && continue
	mkdir -p "$out/deb-$package"
	if ! (cd "$out/deb-$package" && apt-get download -qq "$package" >/dev/null 2>&1); then
		echo "benign.sh: no Debian package $package here" >&2
		rmdir "$out/deb-$package"
		continue
	fi
	dpkg-deb -x "$out/deb-$package"/*.deb "$out/deb-$package"
done

if command -v go >/dev/null; then
	TIDEWAITER_TOOLS=$out/go "$(dirname "$0")/../../.ci/tools" syft conftest regal cosign-v2 ||
		echo "benign.sh: the Go programs cannot be built here" >&2
fi

if command -v npm >/dev/null; then
	for package in express webpack typescript lodash ethers web3 bitcoinjs-lib monero-ts monero-rpc bitcoin-address-validation \
		wallet-address-validator ccxt mymonero-core-js @solana/web3.js; do
		dir=$out/npm-$(echo "$package" | tr '/@' '--')
		[ -d "$dir" ] && continue
		mkdir -p "$dir"
		if ! (cd "$dir" && npm pack --silent "$package" >/dev/null 2>&1); then
			echo "benign.sh: no npm package $package here" >&2
			rmdir "$dir"
			continue
		fi
		tar -C "$dir" -xzf "$dir"/*.tgz
	done
fi
echo "benign.sh: $(find "$out" -mindepth 1 -maxdepth 1 | wc -l) trees in $out"
