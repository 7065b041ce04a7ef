package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

func decode(v Value, into any) { _ = json.Unmarshal([]byte(v.Text), into) }

// ParseBytes reads "12GiB" or "1.5 GB". The unit is required.
func ParseBytes(s string) (bytes int64, err error) {
	number, unit := splitUnit(s)
	size, ok := unitSize(unit)
	if whole, err := strconv.ParseInt(number, 10, 64); ok && err == nil && whole >= 0 && whole <= math.MaxInt64/size {
		return whole * size, nil
	}
	n, ok2 := new(big.Rat).SetString(number)
	if !ok || !ok2 || n.Sign() < 0 {
		return 0, fmt.Errorf("%q is not a size; write a number and a unit: \"12GiB\", \"512MiB\", \"1.5GB\"", s)
	}
	n.Mul(n, new(big.Rat).SetInt64(size))
	f := new(big.Int).Quo(n.Num(), n.Denom())
	if !f.IsInt64() {
		return 0, fmt.Errorf("%q is more bytes than fit in 63 bits", s)
	}
	return f.Int64(), nil
}

// unitSize is how many bytes a unit stands for.
func unitSize(unit string) (bytes int64, ok bool) {
	switch unit {
	case "B":
		return 1, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	}
	return 0, false
}

func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	i := strings.LastIndexAny(s, "0123456789.") + 1
	return s[:i], strings.TrimSpace(s[i:])
}

// CanonicalBytes writes bytes in the largest unit that divides them: GiB, MiB,
// GB, MB, else B. Equal sizes are equal text.
func CanonicalBytes(bytes int64) string {
	for _, u := range []string{"GiB", "MiB", "GB", "MB"} {
		if size, _ := unitSize(u); bytes%size == 0 && (bytes > 0 || u == "GiB") {
			return strconv.FormatInt(bytes/size, 10) + u
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}

// ShortBytes writes bytes for people, to a tenth: "1.2 GiB".
func ShortBytes(n int64) string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size, _ := unitSize(u); n >= size {
			return strconv.FormatFloat(float64(n)/float64(size), 'f', 1, 64) + " " + u
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

// ParseDuration reads "90d", "1h30m", "2w": Go's units, days and weeks.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; write \"90d\", \"12h\" or \"1h30m\"", s)
	var total time.Duration
	rest := s
	for _, u := range []struct {
		unit string
		d    time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		if n, after, ok := strings.Cut(rest, u.unit); ok {
			v, err := strconv.ParseUint(n, 10, 16)
			if err != nil || time.Duration(v) > (math.MaxInt64-total)/u.d {
				return 0, bad
			}
			total, rest = total+time.Duration(v)*u.d, after
		}
	}
	if rest == "" && s != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-total {
		return 0, bad
	}
	return total + d, nil
}

// CanonicalDuration writes a duration so that equal ones are equal text:
// whole days as "90d", else Go's form.
func CanonicalDuration(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 && d > 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

// CanonicalTime writes a time of day without the seconds of a whole minute:
// "08:00:00" and "08:00" are one.
func CanonicalTime(s string) string {
	if len(s) == len("08:00:00") {
		return strings.TrimSuffix(s, ":00")
	}
	return s
}
