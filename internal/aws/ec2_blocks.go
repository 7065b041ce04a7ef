package aws

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/schema"
)

// blocksText is the canonical JSON of block device mappings, with the API's
// field names and without what is not set; "" for none.
func blocksText(mappings []types.LaunchTemplateBlockDeviceMapping) (string, error) {
	if len(mappings) == 0 {
		return "", nil
	}
	b, err := json.Marshal(mappings)
	if err != nil {
		return "", fmt.Errorf("block device mappings: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return "", fmt.Errorf("block device mappings: %w", err)
	}
	return schema.JSON(stated(plain)).Text, nil
}

// stated drops the fields that are null, or an empty string as the SDK has it
// for a value of an enumeration that is not set. NoDevice is "" when it is set.
func stated(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			if field == nil || field == "" && name != "NoDevice" {
				delete(v, name)
			} else {
				v[name] = stated(field)
			}
		}
	case []any:
		for i := range v {
			v[i] = stated(v[i])
		}
	}
	return v
}

// blocksOf reads what blocksText wrote, as a request; "" is nil, which inherits.
// A field it does not know is refused, not dropped.
func blocksOf(text string) (mappings []types.LaunchTemplateBlockDeviceMappingRequest, err error) {
	if text == "" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&mappings); err != nil || dec.More() {
		return nil, fmt.Errorf("AWS %s: the block device mappings to restate cannot be read: %w", createVersion, err)
	}
	return mappings, nil
}
