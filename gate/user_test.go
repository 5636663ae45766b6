package gate

import (
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
)

func TestImageUser(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/sh\nadmin:x:00:1::/:/bin/sh\napp:x:1000:1000::/app:/bin/sh\napp:x:0:0::/:\n" +
		"1001:x:0:0::/:/bin/sh\nbroken:x\n"
	for _, test := range []struct {
		os, user    string
		named, root bool
	}{
		{"linux", "", false, true},
		{"linux", " ", false, true},
		{"linux", ":1000", false, true},
		{"linux", "root", true, true},
		{"linux", "root ", true, true},
		{"linux", "root:app", true, true},
		{"linux", "0", false, true},
		{"linux", "00", false, true},
		{"linux", "+0", false, true},
		{"linux", "-0", false, true},
		{"linux", "0:0", false, true},
		{"linux", " 0 ", false, true},
		{"linux", "0:1000", false, true},
		{"linux", "+1000", false, false},
		{"linux", "10", false, false},
		{"linux", "rootless", true, false},
		{"linux", "2147483648", false, true},
		{"linux", "4294967295:1000", false, true},
		{"linux", "0000000000000000000000000", false, true},
		{"linux", "4294967296", false, true},
		{"linux", "4294967295", false, true},
		{"linux", "2147483647", false, false},
		{"linux", "99999999999999999999", false, true},
		{"linux", "1000:4294967296", false, true},
		{"linux", "admin", true, true},
		{"linux", "app", true, false},
		{"linux", "app:root", true, false},
		{"linux", "1000", false, false},
		{"linux", "1000:0", false, false},
		{"linux", "1001", false, true},
		{"linux", "broken", true, false},
		{"linux", "nobody", true, false},
		{"windows", "", false, true},
		{"windows", "ContainerAdministrator", true, true},
		{"windows", "ContainerUser", true, false},
	} {
		got := imageUser(image.Config{OS: test.os, User: test.user}, passwd)
		if got.Named != test.named || got.Root != test.root || got.Root != (got.Why != "") {
			t.Errorf("%s %q: got %+v, want named %v, root %v", test.os, test.user, got, test.named, test.root)
		}
	}
}
