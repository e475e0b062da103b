package tenant

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
)

// Errors of a Directory; none says which part was wrong, so that nobody can find out ids by asking.
var (
	// ErrUnknownAccount is for an unknown account or a wrong key of one (HTTP 401).
	ErrUnknownAccount = errors.New("unknown account or wrong account key")
	// ErrOriginRefused is for a site that the account does not list, or no Origin where it lists some (HTTP 403).
	ErrOriginRefused = errors.New("origin is not allowed for this account")
	// ErrUnknownSecretKey is for a missing or unknown secret key (HTTP 401).
	ErrUnknownSecretKey = errors.New("missing or unknown secret key")
)

// Directory finds organisations by the keys that requests carry. It never changes, so it is safe for concurrent use.
type Directory struct {
	organizations map[string]*Organization
	accounts      map[string]account
	secretKeys    map[[sha256.Size]byte]*Organization
}

// account is what a write request is checked against.
type account struct {
	keyHash      [sha256.Size]byte
	origins      []string // canonical, nil = any
	tags         bool
	organization *Organization
}

// NewDirectory returns the directory of the organisations, or all that Validate finds in them.
func NewDirectory(organizations []Organization) (*Directory, error) {
	if problems := Validate(organizations); problems != nil {
		errs := make([]error, len(problems))
		for i, problem := range problems {
			errs[i] = problem
		}
		return nil, errors.Join(errs...)
	}

	d := &Directory{
		organizations: make(map[string]*Organization),
		accounts:      make(map[string]account),
		secretKeys:    make(map[[sha256.Size]byte]*Organization),
	}
	for _, organization := range organizations {
		o := &organization
		d.organizations[o.ID] = o
		if o.SecretKey != "" {
			d.secretKeys[sha256.Sum256([]byte(o.SecretKey))] = o
		}
		for _, a := range o.Accounts {
			var origins []string
			for _, origin := range a.Origins {
				canonical, _ := canonicalOrigin(origin)
				origins = append(origins, canonical)
			}
			d.accounts[a.ID] = account{sha256.Sum256([]byte(a.Key)), origins, a.Tags, o}
		}
	}
	return d, nil
}

// Organizations returns all organisations.
func (d *Directory) Organizations() []Organization {
	var all []Organization
	for _, o := range d.organizations {
		all = append(all, *o)
	}
	return all
}

// Organization returns the organisation with the id.
func (d *Directory) Organization(id string) (*Organization, bool) {
	o, ok := d.organizations[id]
	return o, ok
}

// Limits returns the limits of the organisation with the id, and none at all, all zero, of one that is unknown.
func (d *Directory) Limits(id string) Limits {
	if o, ok := d.organizations[id]; ok {
		return o.Limits
	}
	return Limits{}
}

// ByAccount returns the organisation that a write request of a browser or an app speaks for. origin is the request's
// Origin header, "" if it has none. The error is ErrUnknownAccount or ErrOriginRefused.
func (d *Directory) ByAccount(id, key, origin string) (*Organization, error) {
	// Hashes are compared, also those of an unknown id, so that the time tells neither the length nor a prefix of a key.
	a := d.accounts[id]
	hash := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(hash[:], a.keyHash[:]) == 0 || a.organization == nil {
		return nil, ErrUnknownAccount
	}
	if a.origins != nil && !slices.Contains(a.origins, origin) {
		return nil, ErrOriginRefused
	}
	return a.organization, nil
}

// MayTag reports whether the players of an account may give tags to streams.
func (d *Directory) MayTag(account string) bool { return d.accounts[account].tags }

// BySecretKey returns the organisation whose servers hold the key. The error is ErrUnknownSecretKey.
func (d *Directory) BySecretKey(key string) (*Organization, error) {
	// The map compares hashes, of which a caller cannot choose a prefix, so its time tells nothing about a key.
	o, ok := d.secretKeys[sha256.Sum256([]byte(key))]
	if !ok {
		return nil, ErrUnknownSecretKey
	}
	return o, nil
}
