package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/sha3"
)

// sortWallet is the sort of evidence that an address of a currency is.
const sortWallet = "wallet"

// fewWallets is how many addresses a configuration has at most; tests and lists of others have more.
const fewWallets = 8

// maxWallets bounds how many are looked for in one text.
const maxWallets = 64

// wallet is an address of a currency in a text, whose checksum holds.
type wallet struct {
	coin, address string
	at            int
	// private currencies are what malware is paid in. An address of another may be for donations.
	private bool
}

func (w wallet) String() string { return fmt.Sprintf("%s address %.12s…", w.coin, w.address) }

// Lengths of addresses, in bytes.
const (
	shortestAddress = 26
	longestAddress  = 128
)

// findWallets returns the addresses in a text, each once. It looks at every 25th byte: an address goes over one.
func findWallets(text []byte) []wallet {
	var found []wallet
	seen := map[string]bool{}
	for at := shortestAddress - 1; at < len(text) && len(found) < maxWallets; {
		// A word of that length goes over one of the places half of it to either side, too.
		if !isWordByte(text[at]) || !isWordByte(text[at-shortestAddress/2]) && !isWordByte(text[min(at+shortestAddress/2, len(text)-1)]) {
			at += shortestAddress - 1
			continue
		}
		begin, end := at, at+1
		for begin > 0 && isWordByte(text[begin-1]) && at-begin <= longestAddress {
			begin--
		}
		for end < len(text) && isWordByte(text[end]) && end-at <= longestAddress {
			end++
		}
		if n := end - begin; n >= shortestAddress && n <= longestAddress {
			w := addressOf(text, begin, end)
			if w.coin != "" && !seen[w.address] {
				seen[w.address] = true
				found = append(found, w)
			}
		}
		at = max(end, at+shortestAddress-1)
	}
	return found
}

// wordBytes are letters and digits.
var wordBytes = func() (is [256]bool) {
	for _, c := range base58Alphabet + "0IOl" {
		is[c] = true
	}
	return is
}()

func isWordByte(c byte) bool { return wordBytes[c] }

// addressOf says of which currency the word text[begin:end] is an address.
func addressOf(text []byte, begin, end int) wallet {
	word := string(text[begin:end])
	w := wallet{address: word, at: begin}
	switch {
	case isMonero(word):
		w.coin, w.private = "Monero", true
	case prefixed(text, begin, "kaspa:") && isCash("kaspa", word):
		w.coin, w.private = "Kaspa", true
	case isErgo(word):
		w.coin = "Ergo"
	case isEthereum(word):
		w.coin = "Ethereum"
	case isBech32(word):
		w.coin = map[string]string{"bc": "Bitcoin", "ltc": "Litecoin"}[strings.ToLower(word[:strings.LastIndexByte(word, '1')])]
	default:
		w.coin = base58Coin(word)
	}
	return w
}

func prefixed(text []byte, at int, prefix string) bool {
	return bytes.HasSuffix(text[:at], []byte(prefix))
}

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 decodes a number to size bytes; nil if it has other letters or is larger.
func base58(word string, size int) []byte {
	n, radix := new(big.Int), big.NewInt(58)
	for i := range len(word) {
		digit := strings.IndexByte(base58Alphabet, word[i])
		if digit < 0 {
			return nil
		}
		n.Add(n.Mul(n, radix), big.NewInt(int64(digit)))
	}
	if (n.BitLen()+7)/8 > size {
		return nil
	}
	return n.FillBytes(make([]byte, size))
}

// Monero writes eight bytes as eleven letters, and the five that are left at the end as seven (base58.cpp).
const (
	moneroBlock  = 8
	moneroDigits = 11
)

// isMonero checks a plain (95 letters) or an integrated (106) address: a byte for the network and kind, two
// keys, an identifier perhaps, and four bytes of Keccak-256.
func isMonero(word string) bool {
	if len(word) != 95 && len(word) != 106 || word[0] != '4' && word[0] != '8' {
		return false
	}
	var raw []byte
	for rest := word; rest != ""; {
		digits := min(moneroDigits, len(rest))
		size := map[int]int{moneroDigits: moneroBlock, 7: 5}[digits]
		block := base58(rest[:digits], size)
		if block == nil {
			return false
		}
		raw, rest = append(raw, block...), rest[digits:]
	}
	const checksum = 4
	h := sha3.NewLegacyKeccak256()
	h.Write(raw[:len(raw)-checksum])
	return bytes.Equal(h.Sum(nil)[:checksum], raw[len(raw)-checksum:])
}

// base58Versions are the versions of addresses of 25 bytes: one byte, or two in 26.
var base58Versions = map[string]string{
	"\x00": "Bitcoin", "\x05": "Bitcoin", "\x30": "Litecoin", "\x32": "Litecoin", "\x1e": "Dogecoin", "\x4c": "Dash",
	"\x3c": "Ravencoin", "\x1c\xb8": "Zcash", "\x1c\xbd": "Zcash",
}

// base58Coin checks an address as Bitcoin has it: a version, 20 bytes, and four of SHA-256 twice.
func base58Coin(word string) string {
	if len(word) > 36 || strings.IndexByte("13LMDXRt", word[0]) < 0 {
		return ""
	}
	for _, size := range []int{25, 26} {
		raw := base58(word, size)
		if raw == nil {
			continue
		}
		coin := base58Versions[string(raw[:size-24])]
		first := sha256.Sum256(raw[:size-4])
		second := sha256.Sum256(first[:])
		if coin != "" && bytes.Equal(second[:4], raw[size-4:]) && leadingOnes(word) == leadingZeros(raw) {
			return coin
		}
	}
	return ""
}

func leadingOnes(word string) int { return len(word) - len(strings.TrimLeft(word, "1")) }

func leadingZeros(raw []byte) int { return len(raw) - len(bytes.TrimLeft(raw, "\x00")) }

// isErgo checks an address that pays to a key: version 1, 33 bytes, and four of BLAKE2b.
func isErgo(word string) bool {
	if len(word) != 51 || word[0] != '9' {
		return false
	}
	raw := base58(word, 38)
	if raw == nil || raw[0] != 1 {
		return false
	}
	sum := blake2b.Sum256(raw[:34])
	return bytes.Equal(sum[:4], raw[34:])
}

// isEthereum checks the letters' case, which is the checksum (EIP-55). An address all in one case has none.
func isEthereum(word string) bool {
	digits, ok := strings.CutPrefix(word, "0x")
	if !ok || len(digits) != 40 || strings.ToLower(digits) == digits || strings.ToUpper(digits) == digits {
		return false
	}
	if _, err := hex.DecodeString(digits); err != nil {
		return false
	}
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(strings.ToLower(digits)))
	sum := hex.EncodeToString(h.Sum(nil))
	for i := range digits {
		if c := digits[i]; c > '9' && (sum[i] >= '8') != (c < 'a') {
			return false
		}
	}
	return true
}

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// isBech32 checks an address of segregated witness (BIP-173, BIP-350).
func isBech32(word string) bool {
	word = strings.ToLower(word)
	prefix, _, _ := strings.Cut(word, "1")
	if prefix != "bc" && prefix != "ltc" || len(word) > 90 {
		return false
	}
	values, ok := bech32Values(word[len(prefix)+1:])
	if !ok {
		return false
	}
	var all []byte
	for _, c := range []byte(prefix) {
		all = append(all, c>>5)
	}
	all = append(all, 0)
	for _, c := range []byte(prefix) {
		all = append(all, c&31)
	}
	sum := uint32(1)
	generator := []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	for _, v := range append(all, values...) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	const bech32m = 0x2bc830a3
	return sum == 1 || sum == bech32m
}

func bech32Values(word string) ([]byte, bool) {
	var values []byte
	for i := range len(word) {
		v := strings.IndexByte(bech32Alphabet, word[i])
		if v < 0 {
			return nil, false
		}
		values = append(values, byte(v))
	}
	return values, true
}

// isCash checks an address behind a prefix and a colon, with eight letters of checksum: Kaspa's, which took it
// from Bitcoin Cash.
func isCash(prefix, word string) bool {
	values, ok := bech32Values(word)
	if !ok || len(word) < 61 {
		return false
	}
	var all []byte
	for _, c := range []byte(prefix) {
		all = append(all, c&31)
	}
	sum := uint64(1)
	generator := []uint64{0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4, 0xae2eabe2a8, 0x1e4f43e470}
	for _, v := range append(append(all, 0), values...) {
		top := sum >> 35
		sum = sum&0x07ffffffff<<5 ^ uint64(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum == 1
}
