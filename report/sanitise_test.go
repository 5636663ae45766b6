package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitise(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain, größe, 日本語, 😀", "plain, größe, 日本語, 😀"},
		{`C:\temp`, `C:\temp`},
		{"a\nb\r\tc", `a\nb\r\tc`},
		{"\x1b[1A\x1b[2KPASS", `\x1b[1A\x1b[2KPASS`},
		{"\x1b]0;title\x07", `\x1b]0;title\x07`},
		{"\x00\x7f\u0080\u009b", `\x00\x7f\u0080\u009b`},
		{"user\u202etxt.exe\u202c\u2066\u2069\u200e\u200f\u061c", `user\u202etxt.exe\u202c\u2066\u2069\u200e\u200f\u061c`},
		{"a\u200b\u200c\u200d\u2060\ufeff\u00adb", `a\u200b\u200c\u200d\u2060\ufeff\u00adb`},
		{"\u2028\u2029\u0085\u00a0\u3000", `\u2028\u2029\u0085\u00a0\u3000`},
		{"\u115f\u3164\u034f", `\u115f\u3164\u034f`},
		{"\U000e0041\U000e0100\U0010ffff", `\U000e0041\U000e0100\U0010ffff`},
		{"\ufffe\ufdd0\ue000", `\ufffe\ufdd0\ue000`},
		{"a\xff\xc0\xafb", `a\xff\xc0\xafb`},
		{"\ufffd", "\ufffd"},
		{"a ##[error]x", `a \x23#[error]x`},
		{"###[error]x", `#\x23#[error]x`},
		{"# ## [a]", "# ## [a]"},
	}
	for _, test := range tests {
		if got := sanitise(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestRedact(t *testing.T) {
	tests := []struct{ in, want string }{
		{"GET https://me:hunter2@registry.example/v2/: 401", "GET https://***@registry.example/v2/: 401"},
		{"https://me:hun@ter2@registry.example/", "https://***@registry.example/"},
		{"git clone https://ghp_abc@github.com/x", "git clone https://***@github.com/x"},
		{"docker://web:1.4@sha256:00ff", "docker://web:1.4@sha256:00ff"},
		{"https://registry.example/shop/web@sha256:00ff", "https://registry.example/shop/web@sha256:00ff"},
		{"mail me@example.org about http://a.example/b", "mail me@example.org about http://a.example/b"},
		{"https://s3.example/x?X-Amz-Credential=AK&X-Amz-Signature=00ff&y=1", "https://s3.example/x?X-Amz-Credential=***&X-Amz-Signature=***&y=1"},
		{"curl -H 'Authorization: Bearer abc.def' http://h", "curl -H 'Authorization: Bearer ***' http://h"},
	}
	for _, test := range tests {
		if got := redact(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestClip(t *testing.T) {
	long := strings.Repeat("é", 1300)
	if got, want := clip(long, 100), strings.Repeat("é", 100)+"… (1,200 more characters)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := clip(long, 1300); got != long {
		t.Errorf("got %q, want all of it", got)
	}
}

func TestEscapeMarkdown(t *testing.T) {
	tests := []struct{ in, want string }{
		{"a|b", "a&#124;b"},
		{"<b>&amp;", "&lt;b&gt;&amp;amp;"},
		{"@octocat", "@&#8203;octocat"},
		{"see #12 and GH-3", "see #&#8203;12 and GH&#8203;-3"},
		{"https://evil.example www.evil.example", "https:&#8203;//evil.example www&#8203;.evil.example"},
		{"![x](y) *b* _i_ ~s~ `c` $m$", "!\\[x\\](y) \\*b\\* \\_i\\_ \\~s\\~ \\`c\\` \\$m\\$"},
		{`\|`, `\\&#124;`},
	}
	for _, test := range tests {
		if got := escapeMarkdown(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCode(t *testing.T) {
	tests := []struct{ in, want string }{
		{"k8s/web.yaml:3", "`k8s/web.yaml:3`"},
		{"", ""},
		{"  ", ""},
		{"a`b", "<code>a\\`b</code>"},
		{"a|b", "<code>a&#124;b</code>"},
		{`a\b`, `<code>a\\b</code>`},
	}
	for _, test := range tests {
		if got := code(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 9, "one two|three"},
		{"éé éé éé", 5, "éé éé|éé"},
		{"abcdefghij klm", 4, "abcd|efgh|ij|klm"},
		{"run ::error::x", 5, `run|\x3a:|error|\x3a:|x`},
		{"abc::d", 3, `abc|\x3|a:d`},
	}
	for _, test := range tests {
		if got := strings.Join(wrap(test.text, test.width), "|"); got != test.want {
			t.Errorf("%q at %d: got %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

// FuzzSanitise checks that what is sanitised is shown as it is, stays as it is when it is sanitised again (but
// for what looks like a secret once its separators are spelled out), and never loses what could be shown.
func FuzzSanitise(f *testing.F) {
	for _, s := range []string{"plain", "a\nb", "\x1b[31m\u202e\u200b", "\xff\xfe", "####[x]", "://a:b@c", "?sig=a\x00b&token=\n", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := sanitise(s)
		if found := unshown.FindString(got); found != "" || strings.Contains(got, "\n") || strings.Contains(got, "##[") || !utf8.ValidString(got) {
			t.Errorf("%q: there is a %q in %q", s, found, got)
		}
		if again, want := sanitise(got), redact(got); again != want {
			t.Errorf("%q: got %q, and then %q", s, got, again)
		}
		if len(got) < len(redact(s)) {
			t.Errorf("%q: got less, %q", s, got)
		}
	})
}
