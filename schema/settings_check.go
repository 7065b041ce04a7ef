package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// inTheClear warns of settings that are secrets by their names and stand in the
// files themselves.
func inTheClear(c *checker) {
	for a, o := range c.of("settings") {
		if _, documented := SettingByName(a.Name); !documented && LooksSecret(a.Name, o.Fields["value"].Str()) {
			c.add("DC114", Warning, a, o.Positions("value"), `keep it as a reference: {secret: env: "…"}`,
				"its name says that it is a secret, and its value stands in the clear")
		}
	}
}

// LooksSecret says that a value is a secret by the name that it stands under.
func LooksSecret(name, value string) bool { return namesSecret(name) && couldBeSecret(value) }

// hump is where a word ends within camelCase.
var hump = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// namesSecret says whether one word of a key is one for what is secret.
func namesSecret(key string) bool {
	words := strings.FieldsFunc(strings.ToLower(hump.ReplaceAllString(key, "$1$3 $2$4")), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"password", "passwd", "passphrase", "secret", "token", "key", "apikey", "credential"}, strings.TrimSuffix(w, "s"))
	})
}

// couldBeSecret is false of what is a switch, a number or a time.
func couldBeSecret(value string) bool {
	_, number := strconv.ParseFloat(value, 64)
	_, span := ParseDuration(value)
	return !slices.Contains([]string{"", "true", "false"}, value) && number != nil && span != nil
}
