package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/munnerz/goautoneg"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// Limits of those who read. Ingest goes first: whoever reads too much waits or is refused, and only within its organisation.
const (
	// readsPerSecond is how many questions a second a read key may ask, readsBurst how many at once.
	readsPerSecond = 20
	readsBurst     = 40
	// parallelReads is how many questions of an organisation are answered at a time, maxReadWait for how long others wait.
	parallelReads = 4
	maxReadWait   = 5 * time.Second
	// maxReadAnswer is how long an answer may be, in bytes.
	maxReadAnswer = 32 << 20
)

// Readers are what reads of an organisation: its sums, and its plays if there is a store of them, else nil.
type Readers struct {
	Sums  vm.Asker
	Plays vl.Asker
}

// readersOf returns the readers of the configuration's databases.
func readersOf(c config.Config, organization string) (Readers, error) {
	client, err := Reader(c, organization)
	if err != nil {
		return Readers{}, err
	}
	plays, err := PlaysReader(c, organization)
	return Readers{vm.NewShared(client), plays}, err
}

// reads holds what is kept for those who read.
type reads struct {
	open func(organization string) (Readers, error)

	mu            sync.Mutex
	organizations map[string]*organizationReads
}

// organizationReads is what all who read of an organisation share.
type organizationReads struct {
	Readers
	turns *semaphore.Weighted
}

func newReads(open func(string) (Readers, error)) *reads {
	return &reads{open: open, organizations: map[string]*organizationReads{}}
}

// of returns what those share who read of an organisation.
func (r *reads) of(organization string) (*organizationReads, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.organizations[organization]
	if known != nil && known.Sums != nil {
		return known, nil
	}
	if r.open == nil {
		return nil, errors.New("nothing can be read")
	}
	readers, err := r.open(organization)
	if err != nil {
		return nil, err
	}
	opened := &organizationReads{readers, semaphore.NewWeighted(parallelReads)}
	if known != nil {
		opened.turns = known.turns
	}
	r.organizations[organization] = opened
	return opened, nil
}

// renew lets who asks from now on read through new readers, as of databases at other URLs.
func (r *reads) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for organization, known := range r.organizations {
		r.organizations[organization] = &organizationReads{turns: known.turns}
	}
}

// rates bounds how many questions a second each of some askers may ask.
type rates[Asker comparable] struct {
	perSecond rate.Limit
	burst     int    // at once
	sentence  string // of a refusal

	mu       sync.Mutex
	limiters map[Asker]*rate.Limiter
}

func newRates[Asker comparable](perSecond rate.Limit, burst int, sentence string) *rates[Asker] {
	return &rates[Asker]{perSecond: perSecond, burst: burst, sentence: sentence, limiters: map[Asker]*rate.Limiter{}}
}

// take takes a question from what a known asker may ask now.
func (r *rates[Asker]) take(now time.Time, asker Asker) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter := r.limiters[asker]
	if limiter == nil {
		limiter = rate.NewLimiter(r.perSecond, r.burst)
		r.limiters[asker] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return &refusal{http.StatusTooManyRequests, event.Refusal{Reason: "rate", Error: r.sentence}, wait}
}

// turn waits until a question of the organisation may be answered; done ends it.
func (o *organizationReads) turn(ctx context.Context) (done func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, maxReadWait)
	defer cancel()
	if o.turns.Acquire(waiting, 1) != nil {
		if ctx.Err() != nil {
			return nil, gone()
		}
		return nil, &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "busy",
			Error: "too many questions of the organisation are answered at the same time"}, retryBody}
	}
	return func() { o.turns.Release(1) }, nil
}

// statusGone is what nginx answers when the client has gone.
const statusGone = 499

func gone() *refusal {
	return &refusal{statusGone, event.Refusal{Reason: "gone", Error: "the client has gone"}, 0}
}

// getWidget answers with a widget of the organisation whose read key a request has, as JSON or CSV.
func (s *Server) getWidget(w http.ResponseWriter, r *http.Request) error {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	reader, err := s.reader(r, key, s.Directory.ByReadKey)
	if err != nil {
		return err
	}
	allowReader(w, r, reader)
	s.metrics.read(reader.Organization.ID, reader.Name)
	request, format, err := readRequest(r, s.Clock().Truncate(time.Second))
	if err != nil {
		return inWords(err)
	}
	if err := s.keyRates.take(time.Now(), sha256.Sum256([]byte(key))); err != nil {
		return err
	}
	shared, err := s.reads.of(reader.Organization.ID)
	if err != nil {
		return err
	}
	done, err := shared.turn(r.Context())
	if err != nil {
		return err
	}
	// Until it is written, so that who reads slowly takes the room of its own organisation.
	defer done()
	request.Level, request.Plays, request.Organization = reader.Level, shared.Plays, reader.Organization.ID
	request.BlockList = func(context.Context) (blocklist.List, error) {
		return s.BlockLists.Active(reader.Organization.ID, s.Clock())
	}
	frames, err := widget.Run(r.Context(), widget.Confine(shared.Sums, reader.Filters), request)
	if err != nil {
		return inWords(err)
	}
	zone, err := report.Zone(request.Timezone)
	if err != nil {
		return err
	}
	export, err := report.NewExport(frames[0], zone)
	if err != nil {
		return err
	}
	body := &bounded{most: maxReadAnswer}
	if err := format.write(export, body); err != nil {
		return inWords(err)
	}
	head := w.Header()
	for _, notice := range export.Notices {
		head.Add("Streamlens-Notice", mime.QEncoding.Encode("utf-8", notice))
	}
	head.Set("Content-Type", format.mediaType)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store") // it may be about people
	head.Set("Content-Length", strconv.Itoa(body.Len()))
	// An error here means that the client is gone; nobody is left to tell.
	_, _ = body.WriteTo(w)
	return nil
}

// reader returns who reads with a key; those who guess keys are slowed.
func (s *Server) reader(r *http.Request, key string, find func(string) (tenant.Reader, error)) (reader tenant.Reader, err error) {
	err = s.guesses.try(time.Now(), s.network(r), key, func() (err error) {
		reader, err = find(key)
		return err
	})
	return reader, err
}

// allowReader lets the page that asks read the answer, if the key lists its site.
func allowReader(w http.ResponseWriter, r *http.Request, reader tenant.Reader) {
	if len(reader.Origins) == 0 {
		return
	}
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); slices.Contains(reader.Origins, origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, Streamlens-Notice")
	}
}

// readPreflight lets pages ask with a key, of sites that some read key lists.
func (s *Server) readPreflight(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); s.Directory.MayRead(origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Methods", http.MethodGet)
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// readFormat is a form of answers.
type readFormat struct {
	mediaType string
	write     func(*report.Export, *bounded) error
}

func jsonFormat() readFormat {
	return readFormat{"application/json", func(e *report.Export, to *bounded) error { return e.WriteJSON(to) }}
}

func csvFormat() readFormat {
	return readFormat{report.CSV.MediaType(), func(e *report.Export, to *bounded) error { return e.WriteCSV(to) }}
}

// readRequest reads what a request asks: the parameters are those of widget.Parameters, from (24 hours before now by default), to
// (now by default) and format.
func readRequest(r *http.Request, now time.Time) (widget.Request, readFormat, error) {
	request := widget.Request{Now: now}
	format := jsonFormat()
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return request, format, badRead("the parameters cannot be read: %v", err)
	}
	single := map[string]string{"from": "now-24h", "to": "now", "format": ""}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		values := parameters[name]
		if _, ok := single[name]; ok {
			if len(values) > 1 {
				return request, format, badRead("the parameter %s is there more than once", name)
			}
			single[name] = values[0]
		} else if name == widget.ParameterWidget {
			return request, format, badRead("the widget stands in the path, not in a parameter")
		} else if err := request.SetParameter(name, values); err != nil {
			return request, format, err
		}
	}
	request.QueryType = r.PathValue("type")
	if _, ok := widget.Find(request.QueryType); !ok {
		return request, format, &refusal{http.StatusNotFound, event.Refusal{Reason: "not_found",
			Error: fmt.Sprintf("the widget %q is unknown", request.QueryType)}, 0}
	}
	if request.From, err = widget.ParseTime(single["from"], now); err != nil {
		return request, format, fmt.Errorf("from: %w", err)
	}
	if request.To, err = widget.ParseTime(single["to"], now); err != nil {
		return request, format, fmt.Errorf("to: %w", err)
	}
	switch name := single["format"]; name {
	case "json":
	case "csv":
		format = csvFormat()
	case "":
		format, err = negotiated(strings.Join(r.Header.Values("Accept"), ","))
	default:
		err = badRead("the format %q is unknown: it is json or csv", name)
	}
	return request, format, err
}

// negotiated returns the form that an Accept header prefers, JSON if it says nothing.
func negotiated(accept string) (readFormat, error) {
	if accept == "" {
		return jsonFormat(), nil
	}
	switch goautoneg.Negotiate(accept, []string{"application/json", "text/csv"}) {
	case "application/json":
		return jsonFormat(), nil
	case "text/csv":
		return csvFormat(), nil
	}
	return readFormat{}, &refusal{http.StatusNotAcceptable, event.Refusal{Reason: "media_type",
		Error: "the answer can be application/json or text/csv"}, 0}
}

// badRead is an error of who asks.
func badRead(format string, arguments ...any) error {
	return &refusal{http.StatusBadRequest, event.Refusal{Reason: "query", Error: fmt.Sprintf(format, arguments...)}, 0}
}

// inWords returns the refusal for an error of package widget or of the limits of an answer, and other errors as they are.
func inWords(err error) error {
	switch {
	case errors.As(err, new(*refusal)):
		return err
	case errors.Is(err, context.Canceled):
		return gone()
	case errors.Is(err, widget.ErrBadQuery), errors.Is(err, vm.ErrLimit), errors.Is(err, vl.ErrLimit), errors.Is(err, errLongAnswer):
		return badRead("%v", err)
	case errors.Is(err, widget.ErrForbidden):
		return &refusal{http.StatusForbidden, event.Refusal{Reason: "level", Error: err.Error()}, 0}
	case errors.Is(err, context.DeadlineExceeded):
		return &refusal{http.StatusGatewayTimeout, event.Refusal{Reason: "timeout", Error: err.Error()}, 0}
	case errors.Is(err, widget.ErrUpstream):
		return &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "database", Error: err.Error()}, retryDatabase}
	}
	return err
}

// errLongAnswer means that an answer is longer than maxReadAnswer.
var errLongAnswer = fmt.Errorf("the answer is longer than %d MiB: choose a shorter range, a longer interval or a smaller top", maxReadAnswer>>20)

// bounded is a buffer that takes no more than most bytes.
type bounded struct {
	bytes.Buffer
	most int
}

// Write adds to the buffer, or returns errLongAnswer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, errLongAnswer
	}
	return b.Buffer.Write(p)
}
