package shell

import (
	"slices"
	"strings"
	"sync"
)

// miners is what tells the arguments of a miner.
type miners struct {
	names, pools, options map[string]bool
	schemes               []string        // how the schemes of its URLs begin
	choices               map[string]bool // options whose value is an algorithm
	algorithms            []string
}

// knownMiners are read once. The telling words have a middle dot in them, which is taken out here: a scanner must
// not take this program for what it looks for.
var knownMiners = sync.OnceValue(func() miners {
	words := func(s string) []string { return strings.Fields(strings.ReplaceAll(s, "·", "")) }
	set := func(s string) map[string]bool {
		m := map[string]bool{}
		for _, w := range words(s) {
			m[w] = true
		}
		return m
	}
	return miners{
		schemes: words("stra·tum daemon+·http eth·proxy"),
		names: set(`xm·rig xm·rigd xm·rigDaemon xm·rig-proxy xm·rig-cuda xmr-·stak xm·r-stak-cpu cpu·miner cpu·miner-multi mine·rd cg·miner bfg·miner sg·miner
			cc·miner eth·miner nsf·miner lol·Miner lol·miner nb·miner nano·miner team·redminer Phoenix·Miner phoenix·miner SRB·Miner-MULTI srb·miner rig·el
			bz·miner t-·rex g·miner mini·Z wild·rig-multi verus·miner miner·gate-cli miner·gate p2·pool astro·miner deep·Miner kdev·tmpfsi xm·rMiner`),
		pools: set(`mine·xmr.com support·xmr.com monero·ocean.stream hash·vault.pro nano·pool.org 2·miners.com miner·gate.com mine·rocks.com xmr·pool.eu
			xmr·pool.net c3·pool.com c3·pool.org un·mineable.com un·minable.com hero·miners.com ether·mine.org f2·pool.com zerg·pool.com nice·hash.com
			crypto-·pool.fr wooly·pooly.com k1·pool.com rplant·.xyz monero·pool.com flex·pool.io luck·pool.net hive·on.net via·btc.com ant·pool.com slush·pool.com
			kryp·tex.network pro·hashing.com mining·poolhub.com xmr·ig.com`),
		options: set(`--donate-·level --donate-over-·proxy --rig-·id --nice·hash --random·x-·1gb-pages --random·x-·mode --random·x-·no-numa --random·x-·wrmsr
			--cpu-max-·threads-hint --cpu-·affinity-mask --huge-pages-·jit --self-·select`),
		choices: set("-a --al·go --al·gorithm -al·go --co·in --cur·rency -co·in"),
		algorithms: words(`random·x rx/ crypto·night cn/ cn-· kaw·pow eth·ash etc·hash auto·lykos argon2/ panthera verus·hash yes·crypt yes·power ghost·rider
			lyra2·v2 lyra2·rev k·heavyhash x16·r x11·gost beam·hash equi·hash cuck·atoo oct·opus fish·hash pyrin·hash astro·bwt mon·ero neo·scrypt`),
	}
})

// Weights of what speaks for a miner. One sort alone that also occurs elsewhere is not enough.
const (
	hint   = 1
	enough = 2
)

// minerArguments reports a program that is told a pool or a wallet to mine for.
func (in *interp) minerArguments(c *call, name string) {
	m := knownMiners()
	score, source := 0, ""
	if m.names[name] && !asksOnly(c.args()) {
		score = enough
	}
	peer, user := false, false
	for i, a := range c.args() {
		key, value, _ := strings.Cut(a, "=")
		if strings.HasPrefix(a, "-") && value == "" && i+2 < len(c.argv) {
			value = c.argv[i+2]
		}
		if !strings.HasPrefix(a, "-") {
			key, value = "", a
		}
		switch {
		case m.options[key]:
			score += enough
		case m.algorithm(key, value):
			score += hint
		}
		if minesFor(value) {
			score, source = score+enough, value
		} else if m.pool(value) {
			score += hint
			source = value
		}
		if isWallet(value) && key != "" {
			score += hint
		}
		peer = peer || slices.Contains(peerOptions, key) && hasPort(value)
		user = user || slices.Contains(userOptions, key) && value != ""
	}
	if peer && user {
		score += hint
	}
	if score >= enough {
		in.report(MinerArguments, name, source, []string{strings.TrimSpace(name + " is told to mine " + source)}, nil)
	}
}

var (
	peerOptions = []string{"-o", "-P", "--url", "--pool", "--server", "-pool", "-l", "--proxy"}
	userOptions = []string{"-u", "-w", "--user", "--wallet", "-wal", "-wallet", "--worker"}
)

// asksOnly tells that a program is only asked for its version or its options.
func asksOnly(args []string) bool {
	return len(args) == 1 && slices.Contains([]string{"--version", "-V", "--help", "-h", "--print-platforms"}, args[0])
}

// minesFor tells whether a value is a URL of the protocols of mining, with a host in it.
func minesFor(value string) bool {
	scheme, host, ok := strings.Cut(value, "://")
	return ok && len(host) > 2 && slices.ContainsFunc(knownMiners().schemes, func(s string) bool { return strings.HasPrefix(scheme, s) })
}

// pool tells whether a value names the host of a known pool.
func (m miners) pool(value string) bool {
	if _, rest, ok := strings.Cut(value, "://"); ok {
		value = rest
	}
	value = value[strings.LastIndexByte(value, '@')+1:]
	host, _, _ := strings.Cut(value, ":")
	host, _, _ = strings.Cut(host, "/")
	for strings.Contains(host, ".") {
		if m.pools[host] {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// algorithm tells whether an option chooses an algorithm of mining.
func (m miners) algorithm(key, value string) bool {
	if !m.choices[key] {
		return false
	}
	value = strings.ToLower(value)
	return slices.ContainsFunc(m.algorithms, func(a string) bool { return strings.HasPrefix(value, a) })
}

func hasPort(value string) bool {
	_, port, ok := strings.Cut(value[strings.LastIndexByte(value, ']')+1:], ":")
	port = strings.TrimRight(port[strings.LastIndexByte(port, ':')+1:], "/")
	return ok && port != "" && strings.Trim(port, "0123456789") == ""
}

// Lengths of the addresses of the currency that malware is paid in, and of those of Ethereum.
const (
	moneroLength     = 95
	integratedLength = 106
	ethereumLength   = 42
)

// isWallet tells whether a value has the form of an address, with a worker's name behind it or not. Package sbom,
// which has no arguments around it to go by, checks their checksums.
func isWallet(value string) bool {
	value = value[strings.LastIndexByte(value, '/')+1:]
	word := value[:span(value, func(ch byte) bool { return isLetter(ch) && ch != '_' || ch >= '0' && ch <= '9' })]
	switch len(word) {
	case moneroLength, integratedLength:
		return (word[0] == '4' || word[0] == '8') && !strings.ContainsAny(word, "0OIl")
	case ethereumLength:
		return strings.HasPrefix(word, "0x") && strings.Trim(word[2:], "0123456789abcdefABCDEF") == ""
	}
	return strings.HasPrefix(value, "kaspa:")
}

// minerSettings reports a configuration of a miner that is written to a file.
func (in *interp) minerSettings(name, text string) {
	if !strings.Contains(text, `"url"`) && !strings.Contains(text, `"pool_address"`) || !in.step() {
		return
	}
	in.work(len(text) / parseWeight)
	m := knownMiners()
	score, source := 0, ""
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("\"' \t\n,{}[]", r) }) {
		switch {
		case minesFor(word):
			score, source = score+enough, word
		case m.pool(word):
			score, source = score+hint, word
		case isWallet(word), m.options["--"+word]:
			score += hint
		}
	}
	if score >= enough {
		in.report(MinerArguments, "sh", source, []string{"it writes the settings of a miner to " + in.display(name)}, nil)
	}
}

// speaksOf are programs that name things without going there: they search, filter, or ask.
func speaksOf(name string) bool {
	switch name {
	case "rg", "ag", "ack", "zgrep", "iptables", "ip6tables", "nft", "ufw", "ipset", "killall", "ps", "pgrep", "jq", "yq", "logger", "ping", "traceroute",
		"kubectl", "helm", "psql", "mysql", "sqlite3", "redis-cli", "yara", "clamscan", "falco", "git", "nmap", "whois":
		return true
	}
	return false
}
