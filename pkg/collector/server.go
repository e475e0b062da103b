// Package collector is the HTTP edge of ingest: it takes requests from browsers and servers, checks who sends them, and
// hands what they say to the pipeline.
package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/beacon"
	"github.com/streamlens/streamlens/pkg/source/usage"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
	"github.com/streamlens/streamlens/pkg/vm"
)

// retryDatabase is when to try again what VictoriaMetrics could not take.
const retryDatabase = 10 * time.Second

// Server serves the collector's requests.
type Server struct {
	Directory *tenant.Directory
	// TrustedProxies holds when the server starts, until a reload; settings has those of now.
	TrustedProxies []netip.Prefix
	Places         *geoip.Places
	UserAgents     *useragent.Agents
	Pipeline       *ingest.Pipeline
	Tags           *tag.Store
	// Salts are those of hashed addresses; by default they end with the process.
	Salts *enrich.Salts
	// MaxUsageAge returns the greatest age of usage.
	MaxUsageAge func() time.Duration
	// PrivateMetrics is whether only the private port shows metrics.
	PrivateMetrics bool
	// Readers returns who reads the sums of an organisation and, if there is one, its store of plays.
	Readers func(organization string) (Readers, error)
	// BlockLists are those of who may not watch.
	BlockLists *blocklist.Store
	// KeepUsers is whether the ids of users are kept in the records of plays.
	KeepUsers bool
	// Warnings returns what else the operator should mend, in sentences; nil for nothing.
	Warnings func() []string
	// Ready returns why the collector cannot do its work, or nil.
	Ready  func(context.Context) error
	Clock  func() time.Time
	Logger *slog.Logger

	public      http.Handler // of the public port
	postsEvents http.Handler // of it, what the lane serves

	metrics  *metricSet
	limiters *limiters
	guesses  *guesses
	reads    *reads
	keyRates *rates[[sha256.Size]byte] // by the hash of a key or token
	viewers  *viewerCounts
	salts    *enrich.Salts
	// playerTags holds tags that players gave to streams lately, so that each is written once.
	playerTags *lru.Cache[playerTag, struct{}]
	settings   atomic.Pointer[settings]
	learnt     learnt
	hooks      map[[sha256.Size]byte]*mediaServer // by the hashes of their keys
	// mediaServers are those that are polled.
	mediaServers []*mediaServer
	decoder      *beacon.Decoder
	events       sync.Pool // of *[]event.Event
	usage        sync.Pool // of *usage.Decoder
	// playerBodies and serverBodies are apart, so that players cannot take the room of servers. The large bodies of servers leave
	// half of the processors to players.
	playerBodies *bodies
	serverBodies *bodies
	order        order // of requests with lines of logs
}

// Handler returns the handler of the public port.
func (s *Server) Handler() (http.Handler, error) {
	s.metrics = newMetrics(s.Pipeline, s.UserAgents, s.Places, s.Ready)
	if s.salts = s.Salts; s.salts == nil {
		s.salts = enrich.NewSalts()
	}
	var err error
	if s.playerTags, err = lru.New[playerTag, struct{}](playerTagsKnown); err != nil {
		return nil, fmt.Errorf("tags of players: %w", err)
	}
	s.limiters = newLimiters()
	if s.guesses, err = newGuesses(); err != nil {
		return nil, err
	}
	s.reads = newReads(s.Readers)
	s.keyRates = newRates[[sha256.Size]byte](readsPerSecond, readsBurst, "the key asks more questions a second than its limit")
	if s.viewers, err = newViewerCounts(); err != nil {
		return nil, err
	}
	first, err := newSettings(s.TrustedProxies, s.Directory.Organizations(), nil)
	if err != nil {
		return nil, err
	}
	s.settings.Store(first)
	s.restorePaths()
	s.decoder = beacon.NewDecoder(event.MaxPlayerAge)
	s.events.New = func() any { return new([]event.Event) }
	s.usage.New = func() any { return new(usage.Decoder) }
	s.playerBodies, s.serverBodies = newBodies(nil), newBodies(semaphore.NewWeighted(int64(max(runtime.GOMAXPROCS(0)/2, 1))))
	mux := http.NewServeMux()
	s.postsEvents = s.endpoint(s.postEvents)
	mux.Handle(eventsPattern, s.postsEvents)
	mux.HandleFunc("OPTIONS "+eventsPath, preflight)
	mux.Handle("POST "+cmcdPath, s.endpoint(s.postCMCD))
	mux.HandleFunc("OPTIONS "+cmcdPath, preflight)
	mux.Handle("POST /v1/usage", s.endpoint(s.postUsage))
	mux.Handle("POST /v1/hooks/{type}/{key}", s.endpoint(s.postHook))
	mux.Handle("POST /v1/logs", s.endpoint(s.postLogs))
	mux.Handle("GET /v1/streams/{stream}/tags", s.endpoint(s.getTags))
	mux.Handle("PUT /v1/streams/{stream}/tags", s.endpoint(s.putTags))
	mux.Handle("DELETE /v1/streams/{stream}/tags", s.endpoint(s.deleteTags))
	mux.Handle("PUT /stream/{stream}/tag", s.endpoint(s.putTags))
	mux.Handle("GET /v1/widgets/{type}", s.answering(s.getWidget, s.metrics.readRefused))
	mux.HandleFunc("OPTIONS /v1/widgets/{type}", s.readPreflight)
	mux.Handle("GET /v1/public/viewers/{stream}", s.answering(s.getViewers, s.metrics.readRefused))
	mux.Handle("GET "+blockListPath+"/{form}", s.answering(s.getBlockList, s.metrics.readRefused))
	mux.Handle("POST "+blockListPath+"/check", s.answering(s.checkViewer, s.metrics.readRefused))
	s.handleHealth(mux)
	if !s.PrivateMetrics {
		mux.HandleFunc("GET /metrics", s.metrics.write)
	}
	mux.Handle("/", s.endpoint(func(_ http.ResponseWriter, r *http.Request) error {
		return &refusal{http.StatusNotFound, event.Refusal{Reason: "not_found", Error: "there is no " + r.Method + " of this path"}, 0}
	}))
	s.public = mux
	return mux, nil
}

// eventsPath is where players and publishers report, and eventsPattern what net/http calls that.
const (
	eventsPath    = "/v1/events"
	eventsPattern = http.MethodPost + " " + eventsPath
)

// refusal is an error that is answered as it is.
type refusal struct {
	status int
	event.Refusal
	retryAfter time.Duration
}

func (r *refusal) Error() string { return r.Refusal.Error }

// endpoint answers the errors of a handler of what is sent, and counts them.
func (s *Server) endpoint(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return s.answering(handle, s.metrics.refused)
}

// answering answers the errors of a handler, and tells how many there were for which reason; it is the one place where errors become
// statuses.
func (s *Server) answering(handle func(http.ResponseWriter, *http.Request) error, refused func(reason string, n int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var known *refusal
		switch {
		case errors.As(err, &known):
		case errors.Is(err, tenant.ErrUnknownAccount), errors.Is(err, tenant.ErrUnknownSecretKey), errors.Is(err, tenant.ErrUnknownReadKey):
			known = &refusal{http.StatusUnauthorized, event.Refusal{Reason: "unauthorized", Error: err.Error()}, 0}
		case errors.Is(err, tenant.ErrOriginRefused):
			known = &refusal{http.StatusForbidden, event.Refusal{Reason: "origin", Error: err.Error()}, 0}
		case errors.Is(err, ingest.ErrStreams):
			known = &refusal{http.StatusTooManyRequests, event.Refusal{Reason: "streams", Error: err.Error(), Field: "stream"}, time.Hour}
		case errors.Is(err, ingest.ErrSessions):
			known = &refusal{http.StatusTooManyRequests, event.Refusal{Reason: "sessions", Error: err.Error()}, time.Minute}
		case errors.Is(err, tag.ErrInvalid):
			known = &refusal{http.StatusBadRequest, event.Refusal{Reason: "tags", Error: err.Error(), Field: "tags"}, 0}
		case errors.As(err, new(*vm.UnreachableError)), errors.As(err, new(*vm.StatusError)):
			known = &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "database", Error: err.Error()}, retryDatabase}
		case errors.Is(err, ingest.ErrDisk):
			known = &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "disk", Error: ingest.ErrDisk.Error()}, retryDatabase}
		case errors.Is(err, ingest.ErrBacklog):
			known = &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "backlog", Error: err.Error()}, retryDatabase}
		default:
			s.Logger.ErrorContext(r.Context(), "Answering a request failed", "pattern", r.Pattern, "error", err)
			known = &refusal{http.StatusInternalServerError, event.Refusal{Reason: "internal", Error: "internal error"}, 0}
		}
		refused(known.Reason, 1)
		if known.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.retryAfter.Seconds()))))
		}
		answer(w, known.status, known.Refusal)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	beginAnswer(w, status)
	// An error here means that the client is gone; nobody is left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// answerText is answer for JSON.
func answerText(w http.ResponseWriter, status int, body []byte) {
	beginAnswer(w, status)
	_, _ = w.Write(body) // as there
}

func beginAnswer(w http.ResponseWriter, status int) {
	header := w.Header()
	header["Content-Type"], header["X-Content-Type-Options"] = jsonType, noSniffing
	w.WriteHeader(status)
}

// preflight lets pages of any site ask to post; which of them may is decided when they do, by the account in the body.
func preflight(w http.ResponseWriter, _ *http.Request) {
	allowOrigin(w)
	w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func allowOrigin(w http.ResponseWriter) {
	header := w.Header()
	header["Access-Control-Allow-Origin"], header["Access-Control-Expose-Headers"] = anyOrigin, exposed
}

// What most answers have in their header, in memory that all share.
var (
	jsonType   = []string{"application/json"}
	noSniffing = []string{"nosniff"}
	anyOrigin  = []string{"*"}
	exposed    = []string{"Retry-After"}
)

// accepted is the answer to a batch of which something is good.
type accepted struct {
	Accepted int             `json:"accepted"`
	Rejected []event.Refusal `json:"rejected,omitempty"`
}

func (s *Server) postEvents(w http.ResponseWriter, r *http.Request) error {
	allowOrigin(w)
	received := s.Clock().UnixMilli()
	body, done, err := s.playerBodies.read(r, maxEventsBody, "application/json", "text/plain")
	if err != nil {
		return err
	}
	memory := s.events.Get().(*[]event.Event)
	defer s.events.Put(memory)
	envelope, refused := s.decoder.Decode(body, received, (*memory)[:0])
	done()
	*memory = envelope.Events
	if refused != nil {
		status := http.StatusBadRequest
		if refused.Reason == event.TooMany {
			status = http.StatusRequestEntityTooLarge
		}
		return &refusal{status, *refused, 0}
	}
	organization, err := s.Directory.ByAccount(envelope.AccountID, envelope.AccountKey, r.Header.Get("Origin"))
	if err != nil {
		return err
	}
	if err := s.limitPlayers(r, organization, envelope.AccountID, len(envelope.Events)); err != nil {
		return err
	}
	rejected := envelope.Refused
	events := len(envelope.Events)
	if events > 0 {
		b := batch(organization.ID, envelope, received)
		if s.KeepUsers {
			b.Session.User = envelope.UserID
		}
		outcome, err := s.Pipeline.Events(b, func() event.Viewer {
			return s.viewer(r, organization, envelope.Stream, envelope.Referrer, received)
		})
		if err != nil {
			return err
		}
		for range outcome.Gaps {
			rejected = append(rejected, event.Refusal{Reason: "gaps", Field: "seq", Error: "the session has too many gaps in its seq"})
		}
		events -= outcome.Gaps
		s.metrics.repeated.Add(outcome.Repeated)
	}
	return s.answerBatch(w, events, rejected)
}

// answerBatch answers a batch by how much of it is good.
func (s *Server) answerBatch(w http.ResponseWriter, good int, rejected []event.Refusal) error {
	if good == 0 && len(rejected) > 0 {
		for _, r := range rejected[1:] {
			s.metrics.refused(r.Reason, 1)
		}
		return &refusal{http.StatusBadRequest, rejected[0], 0}
	}
	for _, r := range rejected {
		s.metrics.refused(r.Reason, 1)
	}
	s.metrics.accepted.Add(good)
	if len(rejected) > 0 {
		answer(w, http.StatusAccepted, accepted{good, rejected})
		return nil
	}
	// The same without reflection, because most answers are this one.
	text := append(make([]byte, 0, 64), `{"accepted":`...)
	text = append(strconv.AppendInt(text, int64(good), 10), "}\n"...)
	answerText(w, http.StatusAccepted, text)
	return nil
}

func batch(organization string, e beacon.Envelope, received int64) event.Batch {
	return event.Batch{
		Session: event.Session{
			Organization: organization,
			ID:           e.SessionID,
			Stream:       e.Stream,
			Event:        e.EventID,
			CDN:          e.CDN,
			Webcaster:    e.Kind == event.WebcasterKind,
			Client:       strings.TrimSpace(e.Kind + " " + e.Version),
			Method:       event.Method(e.Kind, e.Protocol),
			Interval:     e.Interval,
			Started:      e.Started,
		},
		Received: received,
		Events:   e.Events,
	}
}

// viewer finds out who sends a request. The place is that of the address before any of it is taken away.
func (s *Server) viewer(r *http.Request, o *tenant.Organization, stream, referrer string, received int64) event.Viewer {
	address := enrich.ClientIP(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.settings.Load().trustedProxies)
	agent, ok := s.UserAgents.Look(o.ID, useragent.Headers{
		UserAgent: r.Header.Get("User-Agent"),
		Brands:    r.Header.Get("Sec-CH-UA"),
		Platform:  r.Header.Get("Sec-CH-UA-Platform"),
		Mobile:    r.Header.Get("Sec-CH-UA-Mobile"),
	})
	if !ok { // which counts if the session has no next report
		agent = useragent.Agent{OS: useragent.Unknown, Browser: useragent.Unknown, Device: useragent.OtherDevice}
	}
	if referrer == "" {
		referrer = r.Referer()
	}
	place := s.Places.Place(address)
	return event.Viewer{
		Country:  place.Country,
		Region:   place.Region,
		ASN:      place.ASN,
		Operator: place.Operator,
		OS:       agent.OS,
		Browser:  agent.Browser,
		Device:   agent.Device,
		Unnamed:  !ok,
		Address:  s.storedAddress(address, o.Privacy.IP, received),
		Referrer: enrich.Host(referrer),
		Key:      event.NewViewerKey(o.ID, stream, address.String(), r.UserAgent()),
	}
}

func (s *Server) postUsage(w http.ResponseWriter, r *http.Request) error {
	received := s.Clock().UnixMilli()
	organization, err := s.bySecretKey(r)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	body, done, err := s.serverBodies.read(r, maxUsageBody, "application/json", "application/x-ndjson", "text/plain", curlType)
	if err != nil {
		return err
	}
	defer done()
	if n := bytes.Count(body, []byte("\n")); n > maxUsageLines {
		return &refusal{http.StatusRequestEntityTooLarge, event.Refusal{Reason: event.TooMany,
			Error: fmt.Sprintf("%d lines in one request, at most %d are taken", n, maxUsageLines)}, 0}
	}
	decoder := s.usage.Get().(*usage.Decoder)
	defer s.usage.Put(decoder)
	lines, rejected := decoder.Decode(body, received, s.MaxUsageAge())
	if len(lines) == 0 && len(rejected) == 0 {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "missing", Error: "the body has no line"}, 0}
	}
	if err := s.limiters.take(time.Now(), sender{organization: organization}, len(lines)); err != nil {
		return err
	}
	for i := range lines {
		lines[i] = s.enrichUsage(organization, lines[i])
	}
	counted, err := s.Pipeline.Usage(ingest.Delivery{Organization: organization.ID, ID: key, Received: received, Lines: lines})
	if err != nil {
		return err
	}
	s.metrics.repeated.Add(counted.Repeated)
	good := len(lines) - len(counted.OverLimit)
	if good == 0 && len(counted.OverLimit) > 0 {
		return ingest.ErrStreams
	}
	for range counted.OverLimit {
		rejected = append(rejected, event.Refusal{Reason: "streams", Error: ingest.ErrStreams.Error(), Field: "stream"})
	}
	return s.answerBatch(w, good, rejected)
}

// enrichUsage returns a line as it is counted. The country is that of the address before any of it is taken away.
func (s *Server) enrichUsage(o *tenant.Organization, u event.Usage) event.Usage {
	from := addressOf(u.Address)
	u.Country = s.Places.Country(from)
	u.Address = s.storedAddress(from, o.Privacy.IP, u.Time)
	u.Referrer = enrich.Host(u.Referrer)
	return u
}

// secretKey returns the organisation's secret key that a server sends, as a bearer token or as clients of the bintu API do.
func secretKey(r *http.Request) string {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return key
	}
	return r.Header.Get("X-Bintu-Apikey")
}

// storedAddress returns the form in which an address is stored at a time in ms since 1970.
func (s *Server) storedAddress(a netip.Addr, privacy tenant.IPPrivacy, at int64) string {
	return enrich.StoredIP(a, privacy, s.salts.At(time.UnixMilli(at)))
}

// addressOf returns the address of a decoded line, and the zero one if it has none.
func addressOf(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.Ready(r.Context()); err != nil {
		answer(w, http.StatusServiceUnavailable, event.Refusal{Error: err.Error()})
		return
	}
	ready := newReadiness(s.Places, s.failingServers())
	if s.Warnings != nil {
		ready.Warnings = append(ready.Warnings, s.Warnings()...)
	}
	answer(w, http.StatusOK, ready)
}
