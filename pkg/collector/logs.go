package collector

import (
	"fmt"
	"net/http"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const (
	// maxLogsBody bounds a request with lines of an access log, in bytes.
	maxLogsBody = 32 << 20
	// maxNamedLines is how many refused lines an answer names.
	maxNamedLines = 20
	// maxIdempotencyKey bounds the header by which a request is counted once, in bytes.
	maxIdempotencyKey = 128
	// logInterval is the interval of sessions whose states come with requests for media: segments of live streams last 10 s at
	// most.
	logInterval = 10 * time.Second
)

// LogAnswer is the answer to lines of an access log.
type LogAnswer struct {
	// Accepted is how many lines count, Ignored how many do not because they are no delivery of a stream: headers of the log,
	// paths of other files, refused requests.
	Accepted int `json:"accepted"`
	Ignored  int `json:"ignored"`
	// Refused is how many lines could not be read; the first of them are named.
	Refused  int             `json:"refused"`
	Rejected []event.Refusal `json:"rejected,omitempty"`
	// Repeated means that the request was counted before, by its Idempotency-Key.
	Repeated bool `json:"repeated,omitempty"`
}

func (s *Server) postLogs(w http.ResponseWriter, r *http.Request) error {
	received := s.Clock().UnixMilli()
	organization, err := s.bySecretKey(r)
	if err != nil {
		return err
	}
	log, err := newLogSource(logFormat(r.URL.Query()))
	if err != nil {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "format", Field: "format", Error: err.Error()}, 0}
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	body, done, err := s.serverBodies.read(r, maxLogsBody, "text/plain", "application/x-ndjson", "application/json", "application/octet-stream",
		"application/x-www-form-urlencoded")
	if err != nil {
		return err
	}
	defer done()
	answered, err := s.countLog(log, body, organization, ingest.Delivery{Organization: organization.ID, ID: key, Received: received})
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if answered.Accepted == 0 && answered.Refused > 0 {
		status = http.StatusBadRequest
	}
	answer(w, status, answered)
	return nil
}

// idempotencyKey returns the key by which a request is counted once, "" if it has none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if !event.ValidText(key, maxIdempotencyKey) {
		return "", &refusal{http.StatusBadRequest, event.Refusal{Reason: "text", Field: "Idempotency-Key",
			Error: fmt.Sprintf("Idempotency-Key must be text of at most %d bytes", maxIdempotencyKey)}, 0}
	}
	return key, nil
}

// countLog counts lines of an access log, in a delivery that has none yet. Lines that cannot be read are refused by name, the
// others count.
func (s *Server) countLog(log *logSource, text []byte, o *tenant.Organization, d ingest.Delivery) (LogAnswer, error) {
	var (
		a      LogAnswer
		counts []int
		number int
	)
	readers, err := log.read(s, o, text, d.Received)
	if err != nil {
		return a, err
	}
	d.Sessions = mergeSessions(readers)
	for _, r := range readers {
		d.Lines, counts = append(d.Lines, r.lines...), append(counts, r.counts...)
		a.Accepted += r.accepted
		a.Ignored += r.ignored
		for reason, n := range r.refused {
			a.Refused += n
			s.metrics.refused(reason, n)
		}
		for _, refused := range r.named {
			if len(a.Rejected) < maxNamedLines {
				refused.Field = fmt.Sprintf("line[%d].%s", number+refused.line, refused.Field)
				a.Rejected = append(a.Rejected, refused.Refusal)
			}
		}
		number += r.number
	}
	if len(d.Lines) == 0 && d.Cursor.Source == "" {
		return a, nil // what counts nothing does not use up its key
	}
	counted, err := s.Pipeline.Usage(d)
	if err != nil {
		return LogAnswer{}, err
	}
	for _, i := range counted.OverLimit {
		a.Accepted -= counts[i]
		a.Refused += counts[i]
		s.metrics.refused("streams", counts[i])
	}
	if len(counted.OverLimit) > 0 {
		a.Rejected = append(a.Rejected, event.Refusal{Error: ingest.ErrStreams.Error(), Field: "stream"})
	}
	if counted.Repeated > 0 {
		a.Repeated = true
		s.metrics.repeated.Add(a.Accepted)
	}
	s.metrics.accepted.Add(a.Accepted)
	return a, nil
}
