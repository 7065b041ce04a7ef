package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"domctl.dev/internal/port"
)

// GetCallerIdentity tells who the credentials are, and the region calls go to.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (c *Client) GetCallerIdentity(ctx context.Context) (port.Identity, error) {
	out, err := ask(ctx, c, "sts:GetCallerIdentity", c.sts().GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return port.Identity{}, err
	}
	return port.Identity{Account: str(out.Account), ARN: str(out.Arn), Region: c.sdk.Region}, nil
}
