package collector

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
)

const (
	// maxLogsBody bounds a request with lines of an access log, in bytes.
	maxLogsBody = 32 << 20
	// maxIdempotencyKey bounds the header by which a request is counted once, in bytes.
	maxIdempotencyKey = 128
)

// LogAnswer is the answer to lines of an access log.
type LogAnswer struct {
	// Found is the format that was found out and from what; "" if the request names it.
	Found string `json:"found,omitempty"`
	// Accepted is how many lines count, Ignored how many do not because they are no delivery of a stream: headers of the log,
	// paths of other files, requests that failed.
	Accepted int `json:"accepted"`
	Ignored  int `json:"ignored"`
	// Refused is how many lines could not be read; the first of them are named.
	Refused  int            `json:"refused"`
	Rejected []RejectedLine `json:"rejected,omitempty"`
	// Remarks say why lines were ignored or refused, and what lines lack that count.
	Remarks []logreader.Remark `json:"remarks,omitempty"`
	// Repeated means that the request was counted before, by its Idempotency-Key.
	Repeated bool `json:"repeated,omitempty"`
	// Last is the time of the last request of the log, ms since 1970. With times that name no zone it decides, as "after" of the next
	// request, which of the hours is meant that come twice.
	Last int64 `json:"last,omitempty"`
	// Fates says what became of each line, if the request asks for it; see logreader.Result.
	Fates string `json:"fates,omitempty"`
}

// RejectedLine is a line that was refused.
type RejectedLine struct {
	Line  int    `json:"line"` // of the request, from 1
	Error string `json:"error"`
	Field string `json:"field"` // as the log names it, behind the number of the line
}

func (s *Server) postLogs(w http.ResponseWriter, r *http.Request) error {
	received := s.Clock().UnixMilli()
	organization, err := s.bySecretKey(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	format, err := logreader.FormatOf(query)
	var log *logreader.Log
	if err == nil {
		log, err = logreader.New(format)
	}
	if err != nil {
		return refuseFormat(err)
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	behind := orderKey{organization.ID, query.Get("behind")}
	body, done, err := s.serverBodies.read(r, maxLogsBody, "text/plain", "application/x-ndjson", "application/json", "application/octet-stream", curlType)
	if err != nil {
		return err
	}
	done = sync.OnceFunc(done)
	defer done()
	of := s.logsOf(organization)
	result, err := log.Read(of, s.span(received), body)
	if err != nil {
		return refuseFormat(err)
	}
	done() // the next lines may be read while these become durable
	if err := s.keepPaths(r.Context(), of.ID, of.Rules); err != nil {
		return err
	}
	if query.Get("learn") == "true" {
		answer(w, http.StatusAccepted, LogAnswer{Found: log.Found()})
		return nil
	}
	if behind.key != "" && !s.order.wait(r.Context(), behind) {
		return &refusal{http.StatusServiceUnavailable, event.Refusal{Reason: "behind", Field: "behind",
			Error: "the request behind which this one is to count has not counted yet"}, retryBody}
	}
	answered, err := s.countLog(result, ingest.Delivery{Organization: organization.ID, ID: key, Received: received})
	if err != nil {
		return err
	}
	s.order.note(orderKey{organization.ID, key})
	answered.Found = log.Found()
	if query.Get("fates") == "true" {
		answered.Fates, answered.Last = result.Fates(), result.Last
	}
	status := http.StatusAccepted
	if answered.Accepted == 0 && answered.Refused > 0 {
		status = http.StatusBadRequest
	}
	answer(w, status, answered)
	return nil
}

// refuseFormat refuses a log whose format is wrong or cannot be found out.
func refuseFormat(err error) error {
	return &refusal{http.StatusBadRequest, event.Refusal{Reason: "format", Field: "format", Error: err.Error()}, 0}
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

// logsOf returns what is needed to read the logs of an organisation.
func (s *Server) logsOf(o *tenant.Organization) *logreader.Organization {
	rules, memory := s.settings.Load().logsOf(o.ID)
	return &logreader.Organization{
		ID:     o.ID,
		Rules:  rules,
		Memory: memory,
		Place:  s.Places.Place,
		Stored: func(a netip.Addr, at int64) string { return s.storedAddress(a, o.Privacy.IP, at) },
		// A log can wait, however many user agents are in it.
		UserAgent: func(text string) useragent.Agent { return s.UserAgents.Agent(useragent.Headers{UserAgent: text}) },
	}
}

// span returns the times that lines may have that are received now, in ms since 1970.
func (s *Server) span(received int64) logreader.Span {
	return logreader.Span{Received: received, Oldest: received - s.MaxUsageAge().Milliseconds()}
}

// countLog counts what was read of an access log, in a delivery that has nothing yet. Lines whose stream is over the limit become
// refused.
func (s *Server) countLog(result *logreader.Result, d ingest.Delivery) (LogAnswer, error) {
	d.Lines, d.Sessions = result.Lines, result.Sessions
	repeated := false
	if len(d.Lines) > 0 || d.Cursor.Source != "" { // what counts nothing does not use up its key
		counted, err := s.Pipeline.Usage(d)
		if err != nil {
			return LogAnswer{}, err
		}
		result.Refuse(counted.OverLimit, event.Refusal{Reason: "streams", Error: ingest.ErrStreams.Error(), Field: "stream"})
		if repeated = counted.Repeated > 0; repeated {
			s.metrics.repeated.Add(result.Accepted)
		}
	}
	for _, r := range result.Remarks {
		s.metrics.logLines(r)
		if r.Fate == logreader.Refused {
			s.metrics.refused(r.Reason, r.Lines)
		}
	}
	s.metrics.accepted.Add(result.Accepted)
	a := LogAnswer{
		Accepted: result.Accepted, Ignored: result.Ignored, Refused: result.Refused, Remarks: result.Remarks, Repeated: repeated,
	}
	for _, r := range result.Rejections {
		a.Rejected = append(a.Rejected, RejectedLine{r.Line, r.Error, fmt.Sprintf("line[%d].%s", r.Line, r.Field)})
	}
	return a, nil
}
