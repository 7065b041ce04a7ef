package aws

import (
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

const authorizationToken = "ecr:GetAuthorizationToken"

// ECRRegion is the region of a host of Amazon ECR; "" for any other host.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
func ECRRegion(host string) string {
	m := regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$`).FindStringSubmatch(host)
	if m == nil {
		return ""
	}
	return m[1]
}

// logins holds the tokens of ECR by region: one is good for all the registries of a
// region that the role may read.
type logins struct {
	mu    sync.Mutex
	known map[string]login
}

type login struct {
	user, password string
	until          time.Time
}

// ECRLogin answers the user and the password of a registry of ECR, as the
// deployment's role gets them; ok is false for a host of anyone else. They are kept
// for as long as they are good; fresh asks for new ones all the same.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
func (c *Client) ECRLogin(ctx context.Context, host string, fresh bool) (user, password string, ok bool, err error) {
	region := ECRRegion(host)
	if region == "" {
		return "", "", false, nil
	}
	c.logins.mu.Lock()
	defer c.logins.mu.Unlock()
	if l, known := c.logins.known[region]; known && !fresh && c.cfg.Now().Before(l.until) {
		return l.user, l.password, true, nil
	}
	service := ecr.NewFromConfig(c.sdk, func(o *ecr.Options) { o.Region = region })
	out, err := ask(ctx, c, authorizationToken, service.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", "", true, err
	}
	if len(out.AuthorizationData) == 0 {
		return "", "", true, hollow(authorizationToken, "no token")
	}
	text, err := base64.StdEncoding.DecodeString(str(out.AuthorizationData[0].AuthorizationToken))
	user, password, found := strings.Cut(string(text), ":")
	if err != nil || !found || password == "" {
		return "", "", true, hollow(authorizationToken, "a token that is none") // and never what it holds
	}
	until := c.cfg.Now().Add(time.Hour)
	if at := out.AuthorizationData[0].ExpiresAt; at != nil {
		until = at.Add(-5 * time.Minute)
	}
	c.logins.known[region] = login{user, password, until}
	return user, password, true, nil
}
