package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// GetSecretValue is the current version of a secret in AWS Secrets Manager, in
// the clear, by name or ARN. One that is kept as bytes is answered as these.
// ErrNotFound for an unknown or deleted one.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func (c *Client) GetSecretValue(ctx context.Context, id string) (string, error) {
	out, err := ask(ctx, c, "secretsmanager:GetSecretValue", c.secrets().GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", err
	}
	switch {
	case out.SecretString != nil:
		return *out.SecretString, nil
	case len(out.SecretBinary) > 0:
		return string(out.SecretBinary), nil
	}
	return "", hollow("secretsmanager:GetSecretValue", "no value of "+id)
}
