# What the scripts of this folder share; they set work to a scratch folder before they read it.

# unpack ROOT PACKAGE... unpacks packages and writes the database that dpkg would have of them.
unpack() {
	root=$1
	shift
	mkdir -p "$root/var/lib/dpkg/info"
	(cd "$work" && mkdir -p debs && cd debs && rm -f ./*.deb && apt-get download -qq "$@")
	for deb in "$work"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$root" --keep-directory-symlink -xf -
		package=$(dpkg-deb --field "$deb" Package)
		{
			dpkg-deb --field "$deb" | sed '1,/^Package:/s/^Package:.*/&\nStatus: install ok installed/'
			echo
		} >>"$root/var/lib/dpkg/status"
		dpkg-deb --fsys-tarfile "$deb" | tar -tf - | sed 's/^\.//; s,/$,,; s,^$,/.,' >"$root/var/lib/dpkg/info/$package.list"
		if dpkg-deb --ctrl-tarfile "$deb" | tar -tf - | grep -q '^./md5sums$'; then
			dpkg-deb --ctrl-tarfile "$deb" | tar -xOf - ./md5sums >"$root/var/lib/dpkg/info/$package.md5sums"
		fi
		if dpkg-deb --ctrl-tarfile "$deb" | tar -tf - | grep -q '^./conffiles$'; then
			dpkg-deb --ctrl-tarfile "$deb" | tar -xOf - ./conffiles >"$root/var/lib/dpkg/info/$package.conffiles"
		fi
	done
}

# essential lists the packages that every installation of Debian has.
essential() {
	dpkg-query -W -f '${Package} ${Essential} ${Priority}\n' | awk '$2 == "yes" || $3 == "required" {print $1}' | sort -u
}

# merged makes the folders and links of a file system with merged /usr, before packages are unpacked to it.
merged() {
	mkdir -p "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64"
	for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$1/$dir"; done
}
