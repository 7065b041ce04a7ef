package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Keeper guards the data keys of sealed records with a KMS key. It is a
// state.Keeper.
type Keeper struct {
	c       *Client
	key     string
	context map[string]string
}

// Keeper uses the KMS key (id, ARN or alias) for one deployment, whose name is
// bound to every data key as encryption context, and so stands in CloudTrail.
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
func (c *Client) Keeper(key, deployment string) *Keeper {
	return &Keeper{c: c, key: key, context: map[string]string{"domctl:deployment": deployment}}
}

// Name stands in sealed bodies.
func (*Keeper) Name() string { return "kms" }

// NewKey makes a data key of 256 bits. Repeating the call has no effect in KMS.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
func (k *Keeper) NewKey(ctx context.Context) (key, wrapped []byte, err error) {
	in := &kms.GenerateDataKeyInput{KeyId: &k.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: k.context}
	out, err := ask(ctx, k.c, "kms:GenerateDataKey", k.c.kms().GenerateDataKey, in)
	if err != nil {
		return nil, nil, err
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// OpenKey tells a data key that was made for the same KMS key and deployment.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
func (k *Keeper) OpenKey(ctx context.Context, wrapped []byte) ([]byte, error) {
	in := &kms.DecryptInput{KeyId: &k.key, CiphertextBlob: wrapped, EncryptionContext: k.context}
	out, err := ask(ctx, k.c, "kms:Decrypt", k.c.kms().Decrypt, in)
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}
