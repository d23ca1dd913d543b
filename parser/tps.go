package parser

// TPSCode is the 8-digit code of a polling station: six digits that the
// registry issues and two ISO 7064 MOD 97-10 check digits, so that the whole
// number mod 97 is 1. What an officer typed may be of another length or fail
// the check: ask Valid.
type TPSCode string
