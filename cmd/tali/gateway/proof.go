package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tali/parser"
	"tali/verify"
)

const proofState = "proof_key" // in the spool

// proofs draws the proof codes of receipts. They follow from the message and a
// secret of this spool: a message that is offered a second time, after a crash
// or to a centre that has lost it, keeps the code that its officer holds.
type proofs struct{ key []byte }

// openProofs reads the secret, and makes it at the first start.
func (g *Gateway) openProofs(ctx context.Context) error {
	text, err := g.Spool.State(ctx, proofState)
	if err != nil {
		return err
	}
	if text == "" {
		var fresh [32]byte
		rand.Read(fresh[:]) // never fails, see crypto/rand
		text = hex.EncodeToString(fresh[:])
		if err := g.Spool.SetState(ctx, proofState, text); err != nil {
			return fmt.Errorf("keeping the key of proof codes: %w", err)
		}
	}
	if g.proofs.key, err = hex.DecodeString(text); err != nil {
		return fmt.Errorf("key of proof codes in the spool: %w", err)
	}
	return nil
}

func (p proofs) of(key verify.Key) string {
	h := hmac.New(sha256.New, p.key)
	h.Write(key[:])
	return parser.NewProof(h.Sum(nil)[:16])
}
