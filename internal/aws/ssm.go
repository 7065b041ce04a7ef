package aws

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// maxParameters is GetParameters' limit of names.
const maxParameters = 10

// GetParameters answers values by name, those of secure strings encrypted: see
// Secret. Unknown names are left out.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
func (c *Client) GetParameters(ctx context.Context, names []string) (map[string]string, error) {
	if names == nil {
		names = []string{}
	}
	found, err := batches(names, maxParameters, func(names []string) ([]map[string]string, error) {
		out, err := ask(ctx, c, "ssm:GetParameters", c.ssm().GetParameters, &ssm.GetParametersInput{Names: names})
		if err != nil {
			return nil, err
		}
		values := map[string]string{}
		for _, p := range out.Parameters {
			values[str(p.Name)] = str(p.Value)
		}
		return []map[string]string{values}, nil
	})
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, values := range found {
		maps.Copy(all, values)
	}
	return all, nil
}

// Secret is one parameter's value in the clear, for a secret reference.
// ErrNotFound for an unknown name.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (c *Client) Secret(ctx context.Context, name string) (string, error) {
	decrypt := true
	out, err := ask(ctx, c, "ssm:GetParameter", c.ssm().GetParameter, &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
	if err != nil {
		return "", err
	}
	if out.Parameter == nil || str(out.Parameter.Value) == "" { // AWS keeps none that is empty
		return "", hollow("ssm:GetParameter", "no value of "+name)
	}
	return *out.Parameter.Value, nil
}
