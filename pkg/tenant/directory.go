package tenant

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"sync/atomic"
)

// Errors of a Directory; none says which part was wrong, so that nobody can find out ids by asking.
var (
	// ErrUnknownAccount is for an unknown account or a wrong key of one (HTTP 401).
	ErrUnknownAccount = errors.New("unknown account or wrong account key")
	// ErrOriginRefused is for a site that the account does not list, or no Origin where it lists some (HTTP 403).
	ErrOriginRefused = errors.New("origin is not allowed for this account")
	// ErrUnknownSecretKey is for a missing or unknown secret key (HTTP 401).
	ErrUnknownSecretKey = errors.New("missing or unknown secret key")
	// ErrUnknownReadKey is for a missing or unknown key of a reader, or token of a page (HTTP 401).
	ErrUnknownReadKey = errors.New("missing or unknown read key")
)

// Directory finds organisations by the keys that requests carry. It is safe for concurrent use, also while it is replaced. The
// organisations that it returns never change.
type Directory struct{ current atomic.Pointer[entries] }

// entries are what a Directory knows at one time; they never change.
type entries struct {
	organizations map[string]*Organization
	accounts      map[string]account
	secretKeys    map[[sha256.Size]byte]*Organization
	readers       map[[sha256.Size]byte]Reader // by read key
	viewerTokens  map[[sha256.Size]byte]Reader
	blockLists    map[[sha256.Size]byte]Reader // by token
	readOrigins   map[string]bool              // that some read key lists, canonical
}

// Reader is who reads with a key or a token.
type Reader struct {
	Organization *Organization
	Name         string              // of the key
	Level        Level               // of what it may ask
	Filters      map[string][]string // that hold for all that it asks
	Streams      []string            // of which a viewer token tells, nil = all
	Origins      []string            // canonical
}

// account is what a write request is checked against.
type account struct {
	keyHash      [sha256.Size]byte
	origins      []string // canonical, nil = any
	tags         bool
	perSecond    int
	organization *Organization
}

// NewDirectory returns the directory of the organisations, or all that Validate finds in them.
func NewDirectory(organizations []Organization) (*Directory, error) {
	d := &Directory{}
	if err := d.Replace(organizations); err != nil {
		return nil, err
	}
	return d, nil
}

// Replace puts other organisations in the place of all that the directory knows. It changes nothing and returns all that
// Validate finds in them if that is anything.
func (d *Directory) Replace(organizations []Organization) error {
	if problems := Validate(organizations); problems != nil {
		errs := make([]error, len(problems))
		for i, problem := range problems {
			errs[i] = problem
		}
		return errors.Join(errs...)
	}

	e := &entries{
		organizations: make(map[string]*Organization),
		accounts:      make(map[string]account),
		secretKeys:    make(map[[sha256.Size]byte]*Organization),
		readers:       make(map[[sha256.Size]byte]Reader),
		viewerTokens:  make(map[[sha256.Size]byte]Reader),
		blockLists:    make(map[[sha256.Size]byte]Reader),
		readOrigins:   make(map[string]bool),
	}
	for _, organization := range organizations {
		o := &organization
		e.organizations[o.ID] = o
		if o.SecretKey != "" {
			e.secretKeys[sha256.Sum256([]byte(o.SecretKey))] = o
		}
		for _, a := range o.Accounts {
			e.accounts[a.ID] = account{sha256.Sum256([]byte(a.Key)), canonicalOrigins(a.Origins), a.Tags, a.EventsPerSecond, o}
		}
		for _, k := range o.ReadKeys {
			r := Reader{Organization: o, Name: k.Name, Level: Lower(o.Level, k.Level), Filters: k.Filters, Origins: canonicalOrigins(k.Origins)}
			for _, origin := range r.Origins {
				e.readOrigins[origin] = true
			}
			e.readers[sha256.Sum256([]byte(k.Key))] = r
		}
		for _, t := range o.ViewerTokens {
			e.viewerTokens[sha256.Sum256([]byte(t.Token))] = Reader{
				Organization: o, Level: Default, Streams: t.Streams, Origins: canonicalOrigins(t.Origins),
			}
		}
		for _, t := range o.BlockListTokens {
			e.blockLists[sha256.Sum256([]byte(t.Token))] = Reader{Organization: o, Name: t.Name, Level: Default}
		}
	}
	d.current.Store(e)
	return nil
}

// Organizations returns all organisations.
func (d *Directory) Organizations() []Organization {
	var all []Organization
	for _, o := range d.current.Load().organizations {
		all = append(all, *o)
	}
	return all
}

// Organization returns the organisation with the id.
func (d *Directory) Organization(id string) (*Organization, bool) {
	o, ok := d.current.Load().organizations[id]
	return o, ok
}

// Limits returns the limits of the organisation with the id, and none at all, all zero, of one that is unknown.
func (d *Directory) Limits(id string) Limits {
	if o, ok := d.Organization(id); ok {
		return o.Limits
	}
	return Limits{}
}

// Judgement returns by what the organisation with the id judges attempts to play, and the default of one that is unknown.
func (d *Directory) Judgement(id string) Judgement {
	if o, ok := d.Organization(id); ok {
		return Judgement{o.Quality, o.BusinessCodes}
	}
	return DefaultJudgement()
}

// ByAccount returns the organisation that a write request of a browser or an app speaks for. origin is the request's
// Origin header, "" if it has none. The error is ErrUnknownAccount or ErrOriginRefused.
func (d *Directory) ByAccount(id, key, origin string) (*Organization, error) {
	// Hashes are compared, also those of an unknown id, so that the time tells neither the length nor a prefix of a key.
	a := d.current.Load().accounts[id]
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
func (d *Directory) MayTag(account string) bool { return d.current.Load().accounts[account].tags }

// EventsPerSecond returns how many events a second an account may send, 0 if as many as its organisation.
func (d *Directory) EventsPerSecond(account string) int {
	return d.current.Load().accounts[account].perSecond
}

// BySecretKey returns the organisation whose servers hold the key. The error is ErrUnknownSecretKey.
func (d *Directory) BySecretKey(key string) (*Organization, error) {
	// The map compares hashes, of which a caller cannot choose a prefix, so its time tells nothing about a key.
	o, ok := d.current.Load().secretKeys[sha256.Sum256([]byte(key))]
	if !ok {
		return nil, ErrUnknownSecretKey
	}
	return o, nil
}

// ByReadKey returns who reads with a key. The error is ErrUnknownReadKey.
func (d *Directory) ByReadKey(key string) (Reader, error) { return find(d.current.Load().readers, key) }

// ByViewerToken returns the page that asks with a token. The error is ErrUnknownReadKey.
func (d *Directory) ByViewerToken(token string) (Reader, error) {
	return find(d.current.Load().viewerTokens, token)
}

// ByBlockListToken returns the server that reads the block list with a token. The error is ErrUnknownReadKey.
func (d *Directory) ByBlockListToken(token string) (Reader, error) {
	return find(d.current.Load().blockLists, token)
}

// find compares hashes, as BySecretKey does.
func find(readers map[[sha256.Size]byte]Reader, key string) (Reader, error) {
	r, ok := readers[sha256.Sum256([]byte(key))]
	if !ok {
		return Reader{}, ErrUnknownReadKey
	}
	return r, nil
}

// MayRead reports whether some read key lists the site, as a browser names it.
func (d *Directory) MayRead(origin string) bool { return d.current.Load().readOrigins[origin] }
