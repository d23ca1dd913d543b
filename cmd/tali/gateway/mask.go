package gateway

// mask hides the middle of a phone number: logs name nobody in full.
func mask(sender string) string {
	if len(sender) < 9 {
		return sender
	}
	return sender[:5] + "***" + sender[len(sender)-3:]
}
