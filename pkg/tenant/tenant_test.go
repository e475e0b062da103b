package tenant

import (
	"strings"
	"testing"
)

func TestLower(t *testing.T) {
	tests := []struct{ a, b, want Level }{
		{Default, Default, Default},
		{Default, Premium, Default},
		{Premium, Default, Default},
		{Premium, Premium, Premium},
		{Premium, "", Default},
		{"gold", Premium, Default},
		{"gold", "gold", Default},
	}
	for _, test := range tests {
		if got := Lower(test.a, test.b); got != test.want {
			t.Errorf("Lower(%q, %q) = %q, want %q", test.a, test.b, got, test.want)
		}
	}
}

func TestValidID(t *testing.T) {
	tests := map[string]bool{
		"acme":                  true,
		"a":                     true,
		"0_-z":                  true,
		strings.Repeat("a", 64): true,
		strings.Repeat("a", 65): false,
		"":                      false,
		"Acme":                  false,
		"a b":                   false,
		"a.b":                   false,
		"ä":                     false,
		"a\n":                   false,
		"a\"}":                  false,
		"a/../b":                false,
		"a{b":                   false,
	}
	for id, want := range tests {
		if got := ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestCanonicalOrigin(t *testing.T) {
	tests := map[string]string{ // "" = refused
		"https://site.example":         "https://site.example",
		"HTTPS://Site.Example":         "https://site.example",
		"https://site.example:443":     "https://site.example",
		"http://site.example:80":       "http://site.example",
		"http://site.example:443":      "http://site.example:443",
		"https://site.example:8443":    "https://site.example:8443",
		"http://[::1]:3000":            "http://[::1]:3000",
		"https://site.example/":        "",
		"https://site.example/watch":   "",
		"https://site.example?a":       "",
		"https://site.example?":        "",
		"https://site.example#a":       "",
		"https://site.example#":        "",
		"https://user@site.example":    "",
		"site.example":                 "",
		"//site.example":               "",
		"ftp://site.example":           "",
		"https://":                     "",
		"https://:443":                 "",
		"null":                         "",
		"*":                            "",
		"":                             "",
		"https://site.example:nothing": "",
	}
	for origin, want := range tests {
		got, ok := canonicalOrigin(origin)
		if got != want || ok != (want != "") {
			t.Errorf("canonicalOrigin(%q) = %q, %v; want %q", origin, got, ok, want)
		}
	}
}

// organization returns one without a fault, which a test then changes.
func organization(change func(*Organization)) Organization {
	o := NewOrganization("acme")
	o.SecretKey = "sk_acme"
	o.Accounts = []Account{{ID: "acme", Key: "pk_acme", Origins: []string{"https://site.example"}}}
	change(&o)
	return o
}

func TestValidate(t *testing.T) {
	unchanged := func(*Organization) {}
	tests := []struct {
		name   string
		first  func(*Organization)
		second *Organization
		want   string // the start of the only problem, "" = none
	}{
		{"good", unchanged, nil, ""},
		{"no keys", func(o *Organization) { o.SecretKey, o.Accounts = "", nil }, nil, ""},
		{"two without secret keys", func(o *Organization) { o.SecretKey = "" }, new(NewOrganization("other")), ""},
		{"id", func(o *Organization) { o.ID = "Acme" }, nil, "organizations[0].id must be 1 to 64"},
		{"level absent", func(o *Organization) { o.Level = "" }, nil, "organizations[0].level must be default or premium"},
		{"level unknown", func(o *Organization) { o.Level = "gold" }, nil, "organizations[0].level must be"},
		{"public key as secret key", func(o *Organization) { o.SecretKey = "pk_acme" }, nil, `organizations[0].secretKey must be "sk_"`},
		{"secret key of the prefix only", func(o *Organization) { o.SecretKey = "sk_" }, nil, "organizations[0].secretKey must be"},
		{"secret key too long", func(o *Organization) { o.SecretKey = "sk_" + strings.Repeat("a", 126) }, nil, "organizations[0].secretKey must be"},
		{"privacy", func(o *Organization) { o.Privacy.IP = "none" }, nil, "organizations[0].privacy.ip must be full"},
		{"no events", func(o *Organization) { o.Limits.EventsPerSecond = 0 }, nil, "organizations[0].limits.eventsPerSecond must be"},
		{"negative streams", func(o *Organization) { o.Limits.Streams = -1 }, nil, "organizations[0].limits.streams must be"},
		{"no addresses", func(o *Organization) { o.Limits.IPsPerHour = 0 }, nil, "organizations[0].limits.ipsPerHour must be"},
		{"negative events of an address", func(o *Organization) { o.Limits.EventsPerSecondPerAddress = -1 }, nil,
			"organizations[0].limits.eventsPerSecondPerAddress must be"},
		{"no limit of an address", func(o *Organization) { o.Limits.EventsPerSecondPerAddress = 0 }, nil, ""},
		{"negative events of an account", func(o *Organization) { o.Accounts[0].EventsPerSecond = -1 }, nil,
			"organizations[0].accounts[0].eventsPerSecond must be"},
		{"account id", func(o *Organization) { o.Accounts[0].ID = "" }, nil, "organizations[0].accounts[0].id must be"},
		{"secret key as public key", func(o *Organization) { o.Accounts[0].Key = "sk_acme" }, nil, `organizations[0].accounts[0].key must be "pk_"`},
		{"key with a space", func(o *Organization) { o.Accounts[0].Key = "pk_a b" }, nil, "organizations[0].accounts[0].key must be"},
		{"origin with path", func(o *Organization) { o.Accounts[0].Origins[0] = "https://site.example/" }, nil, "organizations[0].accounts[0].origins[0] must be"},
		{"same id twice", unchanged, new(NewOrganization("acme")), "organizations[1].id must be unique"},
		{"same secret key twice", unchanged, &Organization{ID: "other", Level: Default, SecretKey: "sk_acme",
			Privacy: Privacy{IPFull}, Limits: Limits{EventsPerSecond: 1, Streams: 1, IPsPerHour: 1}}, "organizations[1].secretKey must be unique"},
		{"same account in two organisations", unchanged, &Organization{ID: "other", Level: Default,
			Accounts: []Account{{ID: "acme", Key: "pk_other"}}, Privacy: Privacy{IPFull},
			Limits: Limits{EventsPerSecond: 1, Streams: 1, IPsPerHour: 1}},
			"organizations[1].accounts[0].id must be unique"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			organizations := []Organization{organization(test.first)}
			if test.second != nil {
				organizations = append(organizations, *test.second)
			}
			problems := Validate(organizations)
			_, err := NewDirectory(organizations)
			switch {
			case test.want == "":
				if len(problems) != 0 || err != nil {
					t.Errorf("problems %v, error %v; want none", problems, err)
				}
			case len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), test.want):
				t.Errorf("problems %v, want one that begins with %q", problems, test.want)
			case err == nil || !strings.Contains(err.Error(), test.want):
				t.Errorf("NewDirectory: %v, want %q", err, test.want)
			}
		})
	}
}
