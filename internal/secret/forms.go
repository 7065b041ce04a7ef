package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// forms are the texts by which programs write a secret: escaped for an address, for
// JSON, HTML, Go, Python and shells, with other blanks, and in base 64. Their number
// does not depend on the secret. One that is too short to be hidden has none.
func forms(secret string) []string {
	if len(secret) < Least {
		return nil
	}
	query, quoted, ascii := url.QueryEscape(secret), strconv.Quote(secret), strconv.QuoteToASCII(secret)
	texts := []string{secret, query, url.PathEscape(secret), html.EscapeString(secret), inJSON(secret, true), inJSON(secret, false), quoted[1 : len(quoted)-1], ascii[1 : len(ascii)-1]}
	for _, pairs := range [][]string{
		{"+", "%20"},
		{"+", "%20", "%2F", "/"},
		{"+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*"}, // JavaScript's encodeURIComponent
	} {
		texts = append(texts, strings.NewReplacer(pairs...).Replace(query))
	}
	for _, t := range texts[1:3] {
		texts = append(texts, lowered().ReplaceAllStringFunc(t, strings.ToLower))
	}
	for _, pairs := range [][]string{
		{`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`"}, // between double quotes
		{`"`, `\"`},
		{`$`, `\$`},
		{`$`, `$$`}, // Make, Compose
		{`'`, `'\''`},
		{`'`, `'"'"'`},
		{`'`, `''`}, // YAML
		{`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`}, // $'…', Python
		{`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`},
		{"\t", " "}, {"\t", "  "}, {"\t", "    "}, {"\t", "        "},
		{"\r\n", "\n"}, {"\r\n", "\r", "\n", "\r"}, {"\r\n", " ", "\n", " "}, {"\r\n", "", "\n", ""},
		{"\r\n", "\r\n", "\n", "\r\n"},
	} {
		texts = append(texts, strings.NewReplacer(pairs...).Replace(secret))
	}
	return append(append(texts, bare().ReplaceAllString(secret, `\$0`)), inBase64(secret)...)
}

// lowered is what addresses may have in small letters, and bare what a shell takes
// between no quotes only behind a backslash.
func lowered() *regexp.Regexp { return regexp.MustCompile(`%[0-9A-F]{2}`) }
func bare() *regexp.Regexp    { return regexp.MustCompile("[ !\"#$&'()*,;<>?\\[\\\\\\]^`{|}~]") }

// inJSON is what stands between the quotes of a JSON string.
func inJSON(secret string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if e.Encode(secret) != nil {
		return secret
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// inBase64 are the texts by which a longer one holds a secret in base 64, wherever
// it stands there ("user:password"): what its neighbours decide about is left out.
func inBase64(secret string) (texts []string) {
	for offset := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString([]byte("\x00\x00"[:offset] + secret))
			if text = text[(offset*8+5)/6 : (offset+len(secret))*8/6]; len(text) > Least {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
