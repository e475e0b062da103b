package enrich

import (
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	tests := map[string]string{
		"https://site.example/watch?v=1#t":               "site.example",
		"https://www.site.example/":                      "www.site.example",
		"HTTPS://WWW.Site.Example:8443/A":                "www.site.example",
		"http://site.example":                            "site.example",
		"https://site.example./":                         "site.example",
		"https://user:secret@site.example/":              "site.example",
		"https://xn--bcher-kva.example/":                 "xn--bcher-kva.example",
		"https://bücher.example/":                        "bücher.example",
		"http://[2001:DB8::1]:3000/":                     "2001:db8::1",
		"http://127.0.0.1:3000/":                         "127.0.0.1",
		"android-app://com.example.player/":              "com.example.player",
		"":                                               NoReferrer,
		"site.example/watch":                             NoReferrer,
		"//site.example/watch":                           NoReferrer,
		"/watch":                                         NoReferrer,
		"about:client":                                   NoReferrer,
		"data:text/html,hello":                           NoReferrer,
		"https://":                                       NoReferrer,
		"https://:443/":                                  NoReferrer,
		"https://site.example:port/":                     NoReferrer,
		"https://si te.example/":                         NoReferrer,
		"https://site%22.example/":                       NoReferrer,
		"https://site\x00.example/":                      NoReferrer,
		"https://site\xff.example/":                      NoReferrer,
		"https://" + strings.Repeat("a", 254) + ".com/x": NoReferrer,
	}
	for rawURL, want := range tests {
		if got := Host(rawURL); got != want {
			t.Errorf("Host(%q) = %q, want %q", rawURL, got, want)
		}
	}
}

func FuzzHost(f *testing.F) {
	f.Add("https://site.example:443/watch")
	f.Fuzz(func(t *testing.T, rawURL string) {
		host := Host(rawURL)
		if host == "" || len(host) > maxHostLength || strings.ContainsAny(host, " \"\n/") {
			t.Errorf("Host(%q) = %q", rawURL, host)
		}
	})
}
