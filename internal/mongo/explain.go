package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// told is an error with a text of ours. Only what it is comes along, not the
// driver's error, whose text could be printed.
type told struct {
	text string
	is   error
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.is }

// plain marks errors that this package worded itself: they pass explain as they
// are.
type plain struct{ error }

func (p plain) Unwrap() error { return p.error }

func plainf(format string, args ...any) error { return plain{fmt.Errorf(format, args...)} }

var errSecondary = errors.New("not the primary")

// codeNames are those of write errors, which come without a name. Source:
// https://www.mongodb.com/docs/manual/reference/error-codes/
func codeName(code int) string {
	return map[int]string{
		2: "BadValue", 9: "FailedToParse", 11: "UserNotFound", 13: "Unauthorized", 14: "TypeMismatch", 18: "AuthenticationFailed",
		28: "PathNotViable", 40: "ConflictingUpdateOperators", 50: "MaxTimeMSExpired", 52: "DollarPrefixedFieldName",
		66: "ImmutableField", 112: "WriteConflict", 121: "DocumentValidationFailure", 11000: "DuplicateKey",
	}[code]
}

// explain words an error of one call: operation, collection, reason, and what
// to do where that is known.
func (c *Client) explain(ctx context.Context, op, collection string, err error) error {
	if err == nil {
		return nil
	}
	at := "MongoDB " + op
	if collection != "" {
		at += " " + c.database + "." + collection
	}
	var own plain
	if errors.As(err, &own) {
		return fmt.Errorf("%s: %w", at, own.error)
	}
	reason, is := c.reason(ctx, err)
	return told{at + ": " + c.scrub(reason), is}
}

func (c *Client) reason(ctx context.Context, err error) (reason string, is error) {
	text := err.Error()
	var server mongo.ServerError
	switch {
	case errors.Is(err, errSecondary):
		return "the server asked is not the primary; leave directConnection out of the URI, or name the primary", nil
	case errors.Is(ctx.Err(), context.Canceled):
		return "cancelled before it answered", context.Canceled
	case strings.Contains(text, "wire version"):
		return "the server is older than MongoDB 4.2, the oldest that domctl speaks to", nil
	case strings.Contains(text, "auth error") || strings.Contains(text, "AuthenticationFailed"):
		return "the server refuses the credentials of the URI: look at user, password and authSource", port.ErrDenied
	case mongo.IsDuplicateKeyError(err):
		return "a document with this unique key " + port.ErrDuplicate.Error(), port.ErrDuplicate
	case strings.Contains(text, "server selection error"):
		return c.unreachable(), port.ErrUnsent
	case errors.As(err, &server) && slices.ContainsFunc(server.ErrorCodes(), failingOver):
		return serverReason(server)
	case mongo.IsTimeout(err):
		return fmt.Sprintf("no answer within %s; whether the server did it is open", c.opts.Timeout), context.DeadlineExceeded
	case errors.As(err, &server) && !mongo.IsNetworkError(err):
		return serverReason(server)
	case mongo.IsNetworkError(err):
		return "the connection broke; whether the server did it is open: " + lastLine(err), nil
	}
	return text, nil
}

// serverReason names the server's codes, not its text.
func serverReason(err mongo.ServerError) (string, error) {
	name := ""
	var command mongo.CommandError
	if errors.As(err, &command) {
		name = command.Name
	}
	var codes []string
	for _, code := range err.ErrorCodes() {
		codes = append(codes, strings.TrimSpace(fmt.Sprintf("%s %d", cmp.Or(name, codeName(code)), code)))
	}
	list := cmp.Or(strings.Join(codes, ", "), "an error without a code")
	var write mongo.WriteException
	switch {
	case err.HasErrorCode(13):
		return "the URI's user may not do this (" + list + "): domctl doctor --policies prints the roles it needs", port.ErrDenied
	case !errors.As(err, &write) && slices.ContainsFunc(err.ErrorCodes(), refusedBySecondary):
		return "the server is not the primary (" + list + "), and did nothing: try again when a primary is elected", port.ErrNotPrimary
	case slices.ContainsFunc(err.ErrorCodes(), failingOver):
		return "the server is not the primary, or is about to be no longer (" + list + "); whether it did it is open: try again when a primary is elected", nil
	case errors.As(err, &write) && write.WriteConcernError != nil && len(write.WriteErrors) == 0:
		return "the primary did it, and the majority did not confirm it (" + list + "): it may be rolled back", nil
	}
	return "the server answered " + list, nil
}

// failingOver codes come while a replica set has no primary or changes it:
// InterruptedAtShutdown, NotWritablePrimary, InterruptedDueToReplStateChange,
// NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, PrimarySteppedDown,
// ShutdownInProgress.
func failingOver(code int) bool {
	return slices.Contains([]int{11600, 10107, 11602, 13435, 13436, 189, 91}, code)
}

// refusedBySecondary codes are given before a command begins. Of a write error or
// a write concern's, which come with an answer, that is not certain.
func refusedBySecondary(code int) bool { return code == 10107 || code == 13435 }

// lastLine is the innermost reason of a network error: "… connection refused".
func lastLine(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// unreachable says of every server why none can be used.
func (c *Client) unreachable() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var each []string
	for _, address := range schema.Sorted(c.seen) {
		s := c.seen[address]
		each = append(each, address+" ("+cmp.Or(s.failure, s.kind)+")")
	}
	return fmt.Sprintf("no primary within %s of %s", c.opts.Select, cmp.Or(strings.Join(each, ", "), "the URI's servers"))
}

// secretsOf is everything in a URI that must not be shown, in each form that a
// message could hold it: the credentials, and every option that could be one.
func secretsOf(uri string) []string {
	_, rest, _ := strings.Cut(uri, "://")
	secrets := []string{uri, rest}
	user := rest // a URI cut off before its "@" is credentials to its end
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user = rest[:at]
	}
	if _, password, ok := strings.Cut(user, ":"); ok && (len(user) < len(rest) || !hasPort(user)) {
		secrets = slices.Concat(secrets, forms("//", user, "@"), forms(":", password, "@"))
	}
	_, query, _ := strings.Cut(rest, "?")
	for option := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(option, "=")
		if name = strings.ToLower(name); strings.Contains(name, "password") || strings.Contains(name, "properties") {
			secrets = append(secrets, forms("=", value, "")...)
		}
	}
	for _, s := range slices.Clone(secrets) {
		if open, err := url.PathUnescape(s); err == nil {
			secrets = append(secrets, open)
		}
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.Compact(secrets)
}

// forms are a secret as it may stand in a message: a short one only where it stands
// in a URI or in quotes. Taken out of every word that holds its letters it would be
// told by what is missing.
func forms(before, secret, after string) []string {
	open, err := url.PathUnescape(secret)
	switch {
	case secret == "":
		return nil
	case err != nil && len(secret) >= 4, len(open) >= 4:
		return []string{secret}
	}
	return []string{before + secret + after, strconv.Quote(secret)}
}

// hasPort says whether a colon in hosts is followed by what can be a port.
func hasPort(hosts string) bool {
	_, port, _ := strings.Cut(hosts, ":")
	return port != "" && port[0] >= '0' && port[0] <= '9'
}

func (c *Client) scrub(text string) string {
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}
