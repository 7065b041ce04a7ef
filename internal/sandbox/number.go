package sandbox

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Limits of a Decimal128 (IEEE 754-2008).
const (
	decimalDigits = 34
	decimalMin    = -6176
	decimalMax    = 6111
)

// decimalValue writes a Decimal128 as its canonical string ("BSON Decimal128
// Type Handling in Drivers", to-string).
func decimalValue(s string) (value, error) {
	switch strings.ToLower(strings.TrimPrefix(s, "+")) {
	case "nan":
		return value{kind: decimals, text: "NaN"}, nil
	case "inf", "infinity":
		return value{kind: decimals, text: "Infinity"}, nil
	case "-inf", "-infinity":
		return value{kind: decimals, text: "-Infinity"}, nil
	}
	sign, digits, exp, ok := splitDecimal(s)
	if !ok || len(digits) > decimalDigits || exp < decimalMin || exp > decimalMax {
		return value{}, fmt.Errorf("%q is not a 128-bit decimal number", s)
	}
	return value{kind: decimals, text: sign + decimalText(digits, exp)}, nil
}

func splitDecimal(s string) (sign, digits string, exp int, ok bool) {
	s = strings.TrimPrefix(s, "+")
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		sign, s = "-", rest
	}
	mantissa, e, hasExp := strings.Cut(strings.ToUpper(s), "E")
	if hasExp {
		n, err := strconv.Atoi(e)
		if err != nil {
			return "", "", 0, false
		}
		exp = n
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits = whole + frac
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", "", 0, false
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		digits = "0"
	}
	return sign, digits, exp - len(frac), true
}

func decimalText(digits string, exp int) string {
	adjusted := exp + len(digits) - 1
	if exp > 0 || adjusted < -6 {
		if len(digits) > 1 {
			digits = digits[:1] + "." + digits[1:]
		}
		return fmt.Sprintf("%sE%+d", digits, adjusted)
	}
	if exp == 0 {
		return digits
	}
	if pad := -exp - len(digits) + 1; pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	return digits[:len(digits)+exp] + "." + digits[len(digits)+exp:]
}

func (v value) numeric() bool { return v.kind >= int32s && v.kind <= decimals }

// key is the same text for values that MongoDB compares as equal: numbers by
// their value whatever their type ("Comparison/Sort Order"), documents with
// sorted keys.
func (v value) key() string {
	switch {
	case v.numeric():
		return "#" + numberKey(v.text)
	case v.kind == array || v.kind == document:
		return v.kidsKey()
	}
	return v.canonical()
}

func numberKey(text string) string {
	if strings.HasSuffix(text, "y") || text == "NaN" {
		return text
	}
	if plain := strings.TrimSuffix(text, ".0"); len(plain) < 18 && strings.Trim(plain, "-0123456789") == "" && plain != "-0" {
		return plain
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	return r.RatString()
}

func (v value) kidsKey() string {
	kids := v.kids
	if v.kind == document {
		kids = slices.Clone(kids)
		slices.SortStableFunc(kids, func(a, b field) int { return strings.Compare(a.name, b.name) })
	}
	var b strings.Builder
	b.WriteString(map[kind]string{array: "[", document: "{"}[v.kind])
	for _, k := range kids {
		b.WriteString(quote(k.name) + ":" + k.value.key() + ",")
	}
	return b.String()
}

// equal compares as a condition does: numbers across types, but documents of
// several fields by their text, keys sorted.
func (v value) equal(o value) bool {
	if v.ordered() || o.ordered() {
		return v.canonical() == o.canonical()
	}
	if v.kind == o.kind && v.text == o.text && len(v.kids) == 0 && len(o.kids) == 0 {
		return true
	}
	return v.key() == o.key()
}
