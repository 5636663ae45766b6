package sbom

import (
	"slices"
	"strings"
	"testing"
)

// addresses are of public documents: the first block, the standards' own examples, donations.
var addresses = []struct{ coin, text string }{
	{"Monero", "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"},
	{"Bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
	{"Bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
	{"Bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
	{"Ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
	{"Dogecoin", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"},
	{"Kaspa", "kaspa:qpamkvhgh0kzx50gwvvp5xs8ktmqutcy3dfs9dc3w7lm9rq0zs76vf959mmrp"},
	{"Kaspa", "kaspa:qqkqkzjvr7zwxxmjxjkmxxdwju9kjs6e9u82uh59z07vgaks6gg62v8707g73"},
	{"Ergo", "9fRAWhdxEsTcdb8PhGNrZfwqa65zfkuYHAMmkQLcic1gdLSV5vA"},
}

func TestFindWallets(t *testing.T) {
	for _, a := range addresses {
		for _, text := range []string{a.text, "user=" + a.text + "\n", strings.Repeat("x ", 40) + `{"user": "` + a.text + `.rig"}`} {
			found := findWallets([]byte(text))
			if len(found) != 1 || found[0].coin != a.coin {
				t.Errorf("%q: got %+v, want one of %s", text, found, a.coin)
			}
		}
		// Wherever it stands, also at the end.
		for before := range 2 * shortestAddress {
			for _, after := range []string{"", " ", "\n and more words than an address has letters"} {
				text := strings.Repeat("-", before) + a.text + after
				if found := findWallets([]byte(text)); len(found) != 1 {
					t.Errorf("%q: got %+v, want one", text, found)
				}
			}
		}
		// The checksum is wrong with any letter changed.
		for i := len(a.text) - 20; i < len(a.text); i += 7 {
			changed := []byte(a.text)
			changed[i] = map[bool]byte{true: 'q', false: 'p'}[changed[i] == 'p']
			if found := findWallets(changed); found != nil {
				t.Errorf("%q: got %+v, want none", changed, found)
			}
		}
	}
	if found := findWallets([]byte(strings.Repeat("a0b1", 1000) + " " + strings.Repeat("f", 64))); found != nil {
		t.Errorf("got %+v in digests and identifiers", found)
	}
}

// text is a file that is text, and what it is.
type textCase struct {
	name, path, text string
	want             []string
}

func textCases() []textCase {
	monero := addresses[0].text
	stratum := secret("stratum+~tcp://pool.example:3333")
	rules := secret("rule m {\n strings:\n  $a = \"stratum+~tcp://\"\n  $b = \"donate-~level\"\n condition:\n  any of them\n}\n")
	return []textCase{
		{"configuration of a list of pools", "/etc/pools.txt", secret(`"pool_~list" : [ {"pool_~address" : "pool.example:3333", "wallet_~address" : "` + monero + `"} ]`), []string{"miner"}},
		{"configuration of one pool", "/srv/c", secret(`{"url": "` + stratum + `", "user": "w", "algo": "crypto~night"}`), []string{"miner"}},
		{"configuration of lines", "/srv/e.txt", secret("PO~OL: eu1.ether~mine.org:4444, WORKER: r, WAL~LET: 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n"), []string{"miner"}},
		{"batch file", "/srv/start.bat", secret("miner --algo kaw~pow --server rvn.2~miners.com:6060 --user RXyz --pass x\r\n"), []string{"miner"}},
		{"environment", "/etc/default/app", "XMR_WALLET=" + monero + "\nPOOL_URL=pool.example:3333\n", []string{"miner"}},
		{"wallet in a configuration", "/etc/app.conf", "donate=" + monero + "\n", []string{"suspicious-miner"}},
		{"wallet in a program's source", "/app/donate.js", "const donate = '" + monero + "'\n", nil},
		{"address of another currency", "/etc/shop.conf", "bitcoin=1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n", nil},
		{"miner in Python", "/app/x.py", secret("s.send(b'{\"method\": \"mining.~subscribe\"}')\ns.send(b'{\"method\": \"mining.~authorize\"}')\npool = 'xmr.2~miners.com:2222'\n"), []string{"miner"}},
		{"miner for browsers", "/srv/index.js", secret("var miner = new Coin~Hive.Anonymous('KEY'); console.log('crypto~night')\n"), []string{"miner"}},
		{"library of the protocol", "/app/stratum.js", secret("send('mining.~subscribe'); send('mining.~authorize')\n"), []string{"suspicious-miner"}},
		{"words", "/app/words.js", secret("['hash~rate', 'accepted sh~are', 'crypto~night']\n"), []string{"suspicious-miner"}},
		{"client of a currency's nodes", "/app/client.js", secret("call('eth_submitHash~rate'); call('eth_hash~rate')\n"), nil},
		{"one word", "/app/words.js", secret("['crypto~night']\n"), nil},
		{"comments", "/app/x.js", secret("// " + stratum + "\n * donate-~level\n/* " + monero + " */\n"), nil},
		{"documentation", "/app/README.md", secret("Run `x -o " + stratum + " -u wallet`.\n"), nil},
		{"documentation that is a script", "/app/README.md", secret("#!/bin/sh\nx -o " + stratum + " -u wallet\n"), []string{"miner"}},
		{"documentation that is a configuration", "/app/README.md", secret(`{"donate-~level": 1, "url": "` + stratum + `"}`), []string{"miner"}},
		{"rules of YARA", "/srv/miners.yar", rules, nil},
		{"rules of YARA by another name", "/srv/config", rules, nil},
		{"rules of Falco", "/etc/falco/rules.yaml", secret("- rule: miner\n  condition: proc.cmdline contains \"stratum+~tcp://\" or proc.name in (xm~rig, mine~rd)\n  output: donate-~level\n"), nil},
		{"rules of Sigma", "/srv/x.yml", secret("title: x\nlogsource:\n  product: linux\ndetection:\n  s:\n    - '--donate-~level'\n    - '" + stratum + "'\n"), nil},
		{"rules of Suricata", "/srv/x.rules", secret("alert tcp any any -> any any (msg:\"stratum+~tcp://pool\"; content:\"mining.~subscribe\"; content:\"mining.~authorize\"; sid:1;)\n"), nil},
		{"page on living off the land", "/srv/gtfobins/curl.md", secret("---\nfunctions:\n  file-download:\n    - code: curl http://x -o " + stratum + "\n"), nil},
		{"private key", "/srv/x", secret("-----BEGIN OPENSSH PRIVATE KE~Y-----\n" + strings.Repeat("b3BlbnNz", 8) + "\n"), []string{"private-key"}},
		{"code that makes keys", "/srv/x.py", secret("head = '-----BEGIN PRIVATE KE~Y-----'\n"), nil},
		{"public key", "/srv/x.pub", "ssh-ed25519 AAAAC3Nz me\n", nil},
		{"keys that may log in", "/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3Nz me\n", []string{"authorized-keys"}},
		{"preloaded library", "/etc/ld.so.preload", "/usr/local/lib/libprocesshider.so\n", []string{"preload"}},
	}
}

func TestClassifyText(t *testing.T) {
	for _, tt := range textCases() {
		classes := classesOf(t, tt.path, 0o644, []byte(tt.text), 1<<30)
		if got := classNames(classes); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q\n%+v", tt.name, got, tt.want, classes)
		}
	}
}

// TestPrivateKeyText: a report must not hold the key.
func TestPrivateKeyText(t *testing.T) {
	body := strings.Repeat("c2VjcmV0", 8)
	classes := classesOf(t, "/k", 0o600, []byte(secret("-----BEGIN PRIVATE KE~Y-----\n"+body+"\n")), 1<<20)
	if len(classes) != 1 || strings.Contains(classes[0].Marks[0].Text, body[:8]) {
		t.Errorf("got %+v, want the first line alone", classes)
	}
}

// FuzzText: a text of any form is read in bounded time, and all marks lie in it.
func FuzzText(f *testing.F) {
	for _, tt := range textCases() {
		f.Add(tt.path, []byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, c := range classesOf(t, name, 0o644, text, 1<<20) {
			for _, m := range c.Marks {
				if m.In == "" && m.Offset >= int64(len(text)) {
					t.Errorf("mark %+v is not in the text", m)
				}
			}
		}
	})
}
