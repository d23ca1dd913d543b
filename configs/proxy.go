package configs

import (
	"net/netip"
	"strings"
)

// Trusted are the reverse proxies of the desk as ranges; bad is the first that is
// none.
func (d Desk) Trusted() (proxies []netip.Prefix, bad string) {
	for _, text := range strings.FieldsFunc(d.Proxies, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, text
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, ""
}
