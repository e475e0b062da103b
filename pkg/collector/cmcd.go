package collector

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/cmcd"
	"github.com/streamlens/streamlens/pkg/tag"
)

// cmcdPath takes the account and its public key in the path, because players can be told a URL and nothing else. The key is in
// every page that plays, and opens nothing but writing.
const cmcdPath = "/v1/cmcd/{account}/{key}"

const (
	// cmcdInterval is the interval between reports of players that are not told another (CTA-5004-B, event t).
	cmcdInterval = 30
	// cmcdClient is the kind of players that do not say which they are: the standard has no key for it.
	cmcdClient = "cmcd"
)

// cmcdDefaults is what the URL says for all reports of a request.
type cmcdDefaults struct {
	interval                time.Duration
	stream, eventID, client string
}

// postCMCD takes event-mode reports. By the standard, 410 tells a player to stop for the rest of its session.
func (s *Server) postCMCD(w http.ResponseWriter, r *http.Request) error {
	allowOrigin(w)
	received := s.Clock().UnixMilli()
	body, done, err := s.playerBodies.read(r, maxEventsBody, "application/cmcd", "text/cmcd")
	if err != nil {
		return err
	}
	defer done()
	account := r.PathValue("account")
	organization, err := s.Directory.ByAccount(account, r.PathValue("key"), r.Header.Get("Origin"))
	if err != nil {
		return &refusal{http.StatusGone, event.Refusal{Reason: "unauthorized", Error: err.Error()}, 0}
	}
	defaults, refused := decodeCMCDDefaults(r)
	if refused != nil {
		return &refusal{http.StatusBadRequest, *refused, 0}
	}
	if n := bytes.Count(body, []byte("\n")); n > event.MaxEvents {
		return &refusal{http.StatusRequestEntityTooLarge, event.Refusal{Reason: event.TooMany,
			Error: fmt.Sprintf("%d lines in one request, at most %d are taken", n, event.MaxEvents)}, 0}
	}
	reports, rejected := cmcd.Decode(body)
	if err := s.limitPlayers(r, organization, account, len(reports)); err != nil {
		return err
	}
	good := 0
	for _, batch := range cmcdBatches(organization.ID, reports, defaults, received) {
		if batch.Session.Stream == "" {
			rejected = append(rejected, event.Refusal{Reason: "missing", Field: "cid", Error: "cid is missing, and the URL has no stream"})
			continue
		}
		outcome, err := s.Pipeline.Events(batch, func() event.Viewer {
			return s.viewer(r, organization, batch.Session.Stream, "", received)
		})
		if err != nil {
			return err
		}
		s.metrics.repeated.Add(outcome.Repeated)
		for range outcome.Outside {
			rejected = append(rejected, event.Refusal{Reason: "time", Field: "ts", Error: "ts is more than 60 s in the future or 7 days old"})
		}
		good += len(batch.Events) - outcome.Outside
	}
	if good > 0 {
		s.tagByPlayers(r.Context(), organization.ID, account, reports, defaults)
	}
	for _, one := range rejected {
		s.metrics.refused(one.Reason, 1)
	}
	if good == 0 {
		if len(rejected) == 0 {
			rejected = []event.Refusal{{Reason: "missing", Error: "the body has no report"}}
		}
		return &refusal{http.StatusBadRequest, rejected[0], 0}
	}
	s.metrics.accepted.Add(good)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func decodeCMCDDefaults(r *http.Request) (cmcdDefaults, *event.Refusal) {
	query := r.URL.Query()
	d := cmcdDefaults{interval: cmcdInterval * time.Second, client: cmcdClient}
	for _, field := range []struct {
		name  string
		value *string
		limit int
	}{{"stream", &d.stream, event.MaxNameBytes}, {"event", &d.eventID, event.MaxTextBytes}, {"client", &d.client, event.MaxTextBytes}} {
		text := strings.TrimSpace(query.Get(field.name))
		if !event.ValidText(text, field.limit) {
			return d, &event.Refusal{Reason: "text", Field: field.name,
				Error: fmt.Sprintf("%s must be text of at most %d bytes", field.name, field.limit)}
		}
		*field.value = cmp.Or(text, *field.value)
	}
	if text := query.Get("interval"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 || seconds > 60 {
			return d, &event.Refusal{Reason: "range", Field: "interval", Error: "interval must be a whole number of seconds from 1 to 60"}
		}
		d.interval = time.Duration(seconds) * time.Second
	}
	return d, nil
}

// cmcdBatches puts the reports of each session together. The newest time of a request tells the player's clock.
func cmcdBatches(organization string, reports []cmcd.Report, defaults cmcdDefaults, received int64) []event.Batch {
	var batches []event.Batch
	bySession := map[string]int{}
	newest := map[string]int64{}
	for _, report := range reports {
		i, known := bySession[report.Session]
		if !known {
			i = len(batches)
			bySession[report.Session] = i
			client := cmp.Or(report.Client, defaults.client)
			kind, _, _ := strings.Cut(client, " ")
			batches = append(batches, event.Batch{
				Received: received,
				Session: event.Session{
					Organization: organization,
					ID:           report.Session,
					Stream:       cmp.Or(report.Stream, defaults.stream),
					Event:        cmp.Or(report.EventID, defaults.eventID),
					Client:       client,
					Method:       cmp.Or(report.Method, event.Method(kind, "")),
					Interval:     defaults.interval,
				},
			})
		}
		batches[i].Session.CDN = cmp.Or(batches[i].Session.CDN, report.CDN)
		batches[i].Events = append(batches[i].Events, report.Event)
		newest[report.Session] = max(newest[report.Session], report.Event.Time)
	}
	for i := range batches {
		batches[i].Correction = event.ClockCorrection(received, newest[batches[i].Session.ID])
	}
	return batches
}

// tagTimeout is how long a request of a player waits at most for its tags to be written.
const tagTimeout = 2 * time.Second

// playerTagsKnown is how many tags of players are known to be written or refused.
const playerTagsKnown = 10_000

// playerTag is a tag that a player has given to a stream.
type playerTag struct{ organization, stream, tag string }

// tagByPlayers gives streams the tags that players name, if their account may. What
// the database does not take is tried again with the next request.
func (s *Server) tagByPlayers(ctx context.Context, organization, account string, reports []cmcd.Report, defaults cmcdDefaults) {
	if !s.Directory.MayTag(account) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tagTimeout)
	defer cancel()
	for _, report := range reports {
		stream := cmp.Or(report.Stream, defaults.stream)
		for _, name := range report.Tags {
			key := playerTag{organization, stream, name}
			if stream == "" || s.playerTags.Contains(key) {
				continue
			}
			err := s.Tags.Add(ctx, organization, stream, name)
			if err != nil {
				s.metrics.refused("tags", 1)
				s.Logger.WarnContext(ctx, "Tagging a stream for a player failed", "error", err)
			}
			if err == nil || errors.Is(err, tag.ErrInvalid) {
				s.playerTags.Add(key, struct{}{})
			}
		}
	}
}
