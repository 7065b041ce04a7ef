package port

import "strings"

// Mask stands for a value that is there and that nobody tells.
const Mask = "********"

// maskSigns are what values are hidden behind: stars, dots and blocks.
const maskSigns = "*∗＊⁎✱•●∙⬤⚫█■▪"

// Masked says of a value that Domino shows it without telling it, as a whole or in part
// ("••••1234"). A value that holds three mask signs in a row is taken for masked though
// somebody may have meant them: to lose a secret is worse than to ask for a value.
func Masked(value string) bool {
	value = strings.TrimSpace(value)
	run, signs, all := 0, 0, 0
	for _, r := range value {
		all++
		if !strings.ContainsRune(maskSigns, r) {
			run = 0
			continue
		}
		signs++
		if run++; run > 2 {
			return true
		}
	}
	if signs == all && all > 1 || all > 3 && strings.Trim(value, "xX") == "" {
		return true
	}
	return maskWord(strings.ToLower(value))
}

// maskWord is of words in brackets that stand for values, and of those that stand alone.
func maskWord(value string) bool {
	switch word := strings.Trim(value, "<>[](){}"); word {
	case "…", "redacted":
		return true
	case "hidden", "masked", "secret", "sensitive", "sensitive value", "protected", "encrypted", "filtered":
		return word != value
	}
	return false
}
