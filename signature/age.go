package signature

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age is a length of time, written in days (90d) or as Go writes durations (36h, 30m).
type Age time.Duration

const day = 24 * time.Hour

// UnmarshalText reads an age, which must be positive.
func (a *Age) UnmarshalText(text []byte) error {
	s := string(text)
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int64
		n, err = strconv.ParseInt(days, 10, 32)
		d = time.Duration(n) * day
		if n > int64(maxAge/day) {
			d = 0
		}
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no age: write 90d, 36h or 30m", s)
	}
	*a = Age(d)
	return nil
}

// maxAge is the longest age that a duration can hold.
const maxAge = time.Duration(1<<63 - 1)

// MarshalText writes the age as it would be read.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a Age) String() string {
	if d := time.Duration(a); d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(a).String()
}

// IsZero tells that there is no bound.
func (a Age) IsZero() bool { return a == 0 }
