package tenant

import (
	"errors"
	"testing"
)

// testDirectory holds two organisations, of which the second has no secret key.
func testDirectory(t *testing.T) *Directory {
	t.Helper()
	acme := NewOrganization("acme")
	acme.SecretKey = "sk_acme"
	acme.Accounts = []Account{
		{ID: "acme-web", Key: "pk_web", Origins: []string{"https://Site.example:443", "http://localhost:3000"}},
		{ID: "acme-app", Key: "pk_app"},
	}
	other := NewOrganization("other")
	other.Accounts = []Account{{ID: "other", Key: "pk_other"}}
	d, err := NewDirectory([]Organization{acme, other})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirectoryByAccount(t *testing.T) {
	d := testDirectory(t)
	tests := []struct {
		name            string
		id, key, origin string
		want            string
		wantErr         error
	}{
		{"listed origin", "acme-web", "pk_web", "https://site.example", "acme", nil},
		{"other listed origin", "acme-web", "pk_web", "http://localhost:3000", "acme", nil},
		{"foreign origin", "acme-web", "pk_web", "https://evil.example", "", ErrOriginRefused},
		{"longer origin", "acme-web", "pk_web", "https://site.example.evil.example", "", ErrOriginRefused},
		{"other scheme", "acme-web", "pk_web", "http://site.example", "", ErrOriginRefused},
		{"other port", "acme-web", "pk_web", "https://site.example:8443", "", ErrOriginRefused},
		{"sandboxed frame", "acme-web", "pk_web", "null", "", ErrOriginRefused},
		{"no origin where some are listed", "acme-web", "pk_web", "", "", ErrOriginRefused},
		{"no origin where none is listed", "acme-app", "pk_app", "", "acme", nil},
		{"any origin where none is listed", "acme-app", "pk_app", "https://evil.example", "acme", nil},
		{"other organisation", "other", "pk_other", "", "other", nil},
		{"key of another account", "acme-app", "pk_web", "", "", ErrUnknownAccount},
		{"wrong key beats foreign origin", "acme-web", "pk_no", "https://evil.example", "", ErrUnknownAccount},
		{"start of a key", "acme-app", "pk_ap", "", "", ErrUnknownAccount},
		{"no key", "acme-app", "", "", "", ErrUnknownAccount},
		{"unknown account", "nobody", "pk_app", "", "", ErrUnknownAccount},
		{"id of the organisation", "acme", "pk_app", "", "", ErrUnknownAccount},
		{"nothing", "", "", "", "", ErrUnknownAccount},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := d.ByAccount(test.id, test.key, test.origin)
			if !errors.Is(err, test.wantErr) {
				t.Fatalf("error %v, want %v", err, test.wantErr)
			}
			if (got == nil) != (test.want == "") || (got != nil && got.ID != test.want) {
				t.Errorf("organisation %+v, want %q", got, test.want)
			}
		})
	}
}

func TestDirectoryBySecretKey(t *testing.T) {
	d := testDirectory(t)
	if got, err := d.BySecretKey("sk_acme"); err != nil || got.ID != "acme" {
		t.Errorf("got %+v, %v; want acme", got, err)
	}
	for _, key := range []string{"", "sk_", "sk_acm", "sk_acmee", "SK_ACME", "pk_web", "pk_other"} {
		if got, err := d.BySecretKey(key); !errors.Is(err, ErrUnknownSecretKey) || got != nil {
			t.Errorf("key %q: got %+v, %v; want ErrUnknownSecretKey", key, got, err)
		}
	}
}

func TestDirectoryOrganization(t *testing.T) {
	d := testDirectory(t)
	if got, ok := d.Organization("other"); !ok || got.ID != "other" {
		t.Errorf("got %+v, %v; want other", got, ok)
	}
	if got, ok := d.Organization("nobody"); ok {
		t.Errorf("got %+v, want none", got)
	}
}

func BenchmarkDirectoryByAccount(b *testing.B) {
	acme := NewOrganization("acme")
	acme.Accounts = []Account{{ID: "acme", Key: "pk_8c1f7f2e5f6e4f0a", Origins: []string{"https://site.example"}}}
	d, err := NewDirectory([]Organization{acme})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.ByAccount("acme", "pk_8c1f7f2e5f6e4f0a", "https://site.example"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDirectoryReplace(t *testing.T) {
	d := testDirectory(t)
	before, err := d.BySecretKey("sk_acme")
	if err != nil {
		t.Fatal(err)
	}
	acme := NewOrganization("acme")
	acme.SecretKey, acme.Limits.Streams = "sk_new", 7

	if err := d.Replace([]Organization{acme, {ID: "Wrong"}}); err == nil {
		t.Error("an organisation that is not valid was taken")
	}
	if _, err := d.BySecretKey("sk_acme"); err != nil {
		t.Errorf("after a refused list the old key is unknown: %v", err)
	}

	if err := d.Replace([]Organization{acme}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.BySecretKey("sk_acme"); !errors.Is(err, ErrUnknownSecretKey) {
		t.Errorf("the old key: %v, want ErrUnknownSecretKey", err)
	}
	if got, err := d.BySecretKey("sk_new"); err != nil || got.ID != "acme" {
		t.Errorf("the new key: %+v, %v; want acme", got, err)
	}
	if _, err := d.ByAccount("acme-app", "pk_app", ""); !errors.Is(err, ErrUnknownAccount) {
		t.Errorf("an account that is gone: %v, want ErrUnknownAccount", err)
	}
	if _, ok := d.Organization("other"); ok {
		t.Error("an organisation that is gone is still known")
	}
	if got := d.Limits("acme").Streams; got != 7 {
		t.Errorf("%d streams, want 7", got)
	}
	if before.SecretKey != "sk_acme" {
		t.Error("the organisation that a request holds was changed")
	}
}
