// Package enrich finds out what a request says about its sender: the address and the site that embeds the player.
package enrich

import (
	"net/url"
	"strings"
)

// NoReferrer stands for the host where there is no referrer.
const NoReferrer = "(none)"

// maxHostLength is that of a name in the DNS, RFC 1035 section 2.3.4.
const maxHostLength = 253

// Host returns the host of a referrer in lower case and without the port; "www." stays. What is no absolute URL with a
// host is NoReferrer.
func Host(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme == "" {
		return NoReferrer
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "" || len(host) > maxHostLength || strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '\uFFFD' || strings.ContainsRune(`"'<>\^{|}%`+"`", r)
	}) {
		return NoReferrer
	}
	return host
}
